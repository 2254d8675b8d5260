#!/usr/bin/env python3
"""sslyze against `severn serve` with TLS of its own: TLS 1.2 and 1.3 and nothing older, no weak suite, no known fault, by Mozilla's
intermediate or modern rules; and a second look by openssl at what sslyze does not try.
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

CONFIG = """[exchange]
id = "tls"
listen = "127.0.0.1:{port}"
public_url = "https://localhost:{port}"
organisation = "QHL"

[exchange.tls]
cert_file = "cert.pem"
key_file = "key.pem"

[store]
url = "sqlite:severn.db"

[[sign_in]]
issuer = "https://login.example"
audience = "severn"
keys = "keys.json"

[[source]]
id = "none"
name = "Nobody"
organisation = "RRK"
dialect = "fhir-r4"
url = "http://127.0.0.1:9"
"""
ALLOWED = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}  # fmt: skip

LOOKS = (
    "sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "heartbleed", "openssl_ccs", "compression", "reneg", "robot", "ems",
    "early_data",
)  # fmt: skip


def serve(severn, folder):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    (folder / "keys.json").write_text('{"keys":[]}')
    (folder / "severn.toml").write_text(CONFIG.format(port=port))
    process = subprocess.Popen([severn, "serve", "--config", "severn.toml"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until = time.monotonic() + 60
    while True:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            raise SystemExit(f"tls: severn serve does not listen: {process.stdout.read()}")
        time.sleep(0.2)


def scanned(sslyze, port, folder):
    out = folder / "scan.json"
    looks = [f"--{look}" for look in LOOKS]
    subprocess.run([sslyze, *looks, f"--json_out={out}", "--quiet", "--mozilla_config=disable", f"localhost:{port}"], check=False, capture_output=True, timeout=550)
    return json.loads(out.read_text())["server_scan_results"][0]["scan_result"]


def findings(scan):
    def result(name):
        looked = scan.get(name) or {}
        if looked.get("status") != "COMPLETED":
            raise SystemExit(f"tls: sslyze did not look: {name}: {looked.get('status')} {looked.get('error_reason')}")
        return looked["result"]

    for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
        if result(f"{version}_cipher_suites").get("accepted_cipher_suites"):
            yield f"{version} is accepted"
    suites = 0
    for version in ("tls_1_2", "tls_1_3"):
        accepted = [one["cipher_suite"]["name"] for one in result(f"{version}_cipher_suites").get("accepted_cipher_suites", [])]
        suites += len(accepted)
        yield from (f"{version}: {name} is accepted" for name in accepted if name not in ALLOWED)
        if not accepted:
            yield f"{version} is not accepted"
    told = {
        "heartbleed": "is_vulnerable_to_heartbleed",
        "openssl_ccs_injection": "is_vulnerable_to_ccs_injection",
        "tls_compression": "supports_compression",
        "session_renegotiation": "is_vulnerable_to_client_renegotiation_dos",
    }
    for name, key in told.items():
        if result(name).get(key) is not False:
            yield f"{name}: {key} is {result(name).get(key)}"
    robot = result("robot").get("robot_result")
    if robot not in ("NOT_VULNERABLE_NO_ORACLE", "NOT_VULNERABLE_RSA_NOT_SUPPORTED"):
        yield f"robot: {robot}"
    if result("session_renegotiation").get("supports_secure_renegotiation") is not True:
        yield "renegotiation is not told to be secure"
    if result("tls_extended_master_secret").get("supports_ems_extension") is False:
        yield "no extended master secret"
    if result("tls_1_3_early_data").get("supports_early_data") is not False:
        yield "early data is taken: whoever recorded a request could send it again"
    if suites:
        print(f"tls: {suites} suites accepted, all of them with forward secrecy")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--severn", required=True)
    severn = os.path.abspath(arguments.parse_args().severn)
    sslyze = str(pathlib.Path(sys.executable).parent / "sslyze")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        process, port = serve(severn, folder)
        try:
            wrong = list(findings(scanned(sslyze, port, folder)))
            # Without TLS there is no answer on this port.
            with socket.create_connection(("127.0.0.1", port), 10) as plain:
                plain.sendall(b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n")
                plain.settimeout(15)
                try:
                    said = plain.recv(100)
                except OSError:
                    said = b""
            if said.startswith(b"HTTP"):
                wrong.append("answers without TLS")
            headers = subprocess.run(["curl", "-sk", "-D-", "-o/dev/null", f"https://localhost:{port}/live"], capture_output=True, text=True).stdout.lower()
            for header in ("strict-transport-security", "x-content-type-options", "content-security-policy"):
                if header not in headers:
                    wrong.append(f"no {header}: {headers}")
            if process.poll() is not None:
                wrong.append("the exchange ended")
        finally:
            process.terminate()
            process.wait(20)
    for line in wrong:
        print("WRONG:", line)
    print(f"tls: {len(wrong)} findings")
    sys.exit(bool(wrong))


main()
