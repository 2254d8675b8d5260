"""PyPI `fhirclient` (SMART on FHIR for Python): strict models, paging, exceptions."""

from fhirclient import server as fhir_server
from fhirclient.auth import FHIROAuth2Auth
from fhirclient.models import bundle, capabilitystatement, fhirelementfactory, patient
from fhirclient.models.fhirsearch import FHIRSearch

from told import CONTEXT, NHS_NUMBER, Steps, once, outcome

step = Steps()


def signed(token):
    server = fhir_server.FHIRServer(None, CONTEXT["base"])
    server.auth = FHIROAuth2Auth()
    server.auth.access_token = token
    return server


smart = signed(CONTEXT["token"])


@step("metadata")
def _():
    statement = capabilitystatement.CapabilityStatement.read_from("metadata", smart)
    assert statement.fhirVersion.startswith("4."), statement.fhirVersion
    return f"{len(statement.rest[0].resource)} types"


@step("search by GET")
def _():
    found = list(patient.Patient.where({"identifier": f"{NHS_NUMBER}|{CONTEXT['number']}"}).perform_resources_iter(smart))
    assert CONTEXT["person"] in [p.id for p in found], [p.id for p in found]


@step("search by POST")
def _():
    headers = smart.auth.signed_headers({"Accept": "application/fhir+json"})
    smart.session.headers.update(headers)
    answer = smart.post_as_form(smart.base_uri + "Patient/_search", {"identifier": f"{NHS_NUMBER}|{CONTEXT['number']}"})
    found = bundle.Bundle(answer.json())
    assert CONTEXT["person"] in [e.resource.id for e in found.entry]
    smart.session.headers.clear()


@step("read")
def _():
    assert patient.Patient.read(CONTEXT["person"], smart).id == CONTEXT["person"]


@step("page")
def _():
    kind = fhirelementfactory.FHIRElementFactory.instantiate(CONTEXT["type"], None)
    search = FHIRSearch(type(kind), {"patient": CONTEXT["person"], "_count": "2"})
    came = [r for r in search.perform_resources_iter(smart) if r.resource_type == CONTEXT["type"]]
    assert once(came) == CONTEXT["count"], f"{len(came)} of {CONTEXT['count']}"
    return f"{len(came)} {CONTEXT['type']}"


@step("$everything")
def _():
    whole = bundle.Bundle.read_from(f"Patient/{CONTEXT['person']}/$everything", smart)
    assert whole.entry and whole.type == "searchset"
    return f"{len(whole.entry)} entries on the first page"


def refused(name, exception, server, path, code):
    @step(name)
    def _():
        try:
            server.request_json(path)
        except exception as error:
            assert error.response.status_code == code
            return outcome(error.response.text)
        raise AssertionError("it answered")


refused("401", fhir_server.FHIRUnauthorizedException, signed("not-a-token"), "Patient/" + CONTEXT["person"], 401)
refused("403", fhir_server.FHIRPermissionDeniedException, smart, "Patient/never-minted", 403)
refused("404", fhir_server.FHIRNotFoundException, smart, "NoSuchType/1", 404)
step.close()
