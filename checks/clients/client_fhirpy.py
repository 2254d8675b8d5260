"""PyPI `fhirpy`: search sets, paging, exceptions by status."""

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, ForbiddenError, ResourceNotFound

from told import CONTEXT, NHS_NUMBER, Steps, once, outcome

step = Steps()


def signed(token):
    return SyncFHIRClient(CONTEXT["base"], authorization=f"Bearer {token}")


client = signed(CONTEXT["token"])
identifier = f"{NHS_NUMBER}|{CONTEXT['number']}"


@step("metadata")
def _():
    assert client.execute("metadata", method="get")["resourceType"] == "CapabilityStatement"


@step("search by GET")
def _():
    found = client.resources("Patient").search(identifier=identifier).fetch()
    assert CONTEXT["person"] in [p["id"] for p in found]


@step("search by POST")
def _():
    found = client.execute("Patient/_search", method="post", params={"identifier": [identifier]})
    assert CONTEXT["person"] in [e["resource"].get("id") for e in found["entry"]]


@step("read")
def _():
    assert client.reference("Patient", CONTEXT["person"]).to_resource()["id"] == CONTEXT["person"]


@step("page")
def _():
    came = client.resources(CONTEXT["type"]).search(patient=CONTEXT["person"]).limit(2).fetch_all()
    assert once(came) == CONTEXT["count"], f"{len(came)} of {CONTEXT['count']}"
    return f"{len(came)} {CONTEXT['type']}"


@step("$everything")
def _():
    whole = client.execute(f"Patient/{CONTEXT['person']}/$everything", method="get")
    assert whole["entry"]
    return f"{len(whole['entry'])} entries on the first page"


def refused(name, exception, who, kind, own):
    @step(name)
    def _():
        try:
            who.reference(kind, own).to_resource()
        except exception as error:
            return outcome(str(error))
        raise AssertionError("it answered")


refused("401", AuthorizationError, signed("not-a-token"), "Patient", CONTEXT["person"])
refused("403", ForbiddenError, client, "Patient", "never-minted")
refused("404", ResourceNotFound, client, "NoSuchType", "1")
step.close()
