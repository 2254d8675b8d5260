#!/usr/bin/env python3
"""fhirstarter (PyPI) in R4B, serving one file of resources: starter.py PORT FILE.

The server is fhirstarter's: routes, statement, validation, errors. Only the look into the file is ours.
"""

import importlib
import json
import os
import sys

os.environ["FHIR_SEQUENCE"] = "R4B"

import uvicorn  # noqa: E402
from fhir.resources.R4B.bundle import Bundle  # noqa: E402
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext  # noqa: E402
from fhirstarter.exceptions import FHIRResourceNotFoundError  # noqa: E402

port, file = int(sys.argv[1]), sys.argv[2]
held = {}
for resource in json.load(open(file)):
    held.setdefault(resource["resourceType"], {})[resource["id"]] = resource


def bundle(found):
    return Bundle(type="searchset", total=len(found), entry=[{"resource": r} for r in found] or None)


def serve(provider, kind):
    model = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)

    @provider.read(model)
    async def read(context: InteractionContext, id_: str) -> model:
        if id_ not in held.get(kind, {}):
            raise FHIRResourceNotFoundError
        return model.model_validate(held[kind][id_])

    if kind == "Patient":

        @provider.search_type(model)
        async def find(context: InteractionContext, identifier: str | None) -> Bundle:
            system, _, value = (identifier or "").partition("|")
            named = lambda r: any(i["system"] == system and i["value"] == value for i in r["identifier"])  # noqa: E731
            return bundle([r for r in held["Patient"].values() if named(r)])
    else:

        @provider.search_type(model)
        async def search(context: InteractionContext, patient: str | None) -> Bundle:
            whose = f"Patient/{(patient or '').removeprefix('Patient/')}"
            return bundle([r for r in held[kind].values() if whose in (r.get("subject", r.get("patient", {})).get("reference"))])


app, provider = FHIRStarter(title="fhirstarter"), FHIRProvider()
for kind in held:
    serve(provider, kind)
app.add_providers(provider)
uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
