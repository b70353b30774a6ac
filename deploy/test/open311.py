"""open311.py URL KEY   a city's Open311 server, as `three` sees it, a client of others' for GeoReport v2 (PyPI)

Lists, a description, a request that is reported and read again, by `three` in JSON, whose XML is for Python 2 alone. Then
each document in JSON and XML against what the standard's own validation asks of it: the schemas of
github.com/open311/schema-validation (schema/georeport-v2), told here as tables. It ends with 1 at the first thing that is
not as the standard says.
"""

import datetime
import itertools
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as XML

# `three` asks for a name that Python 3 has under another one.
itertools.ifilter = filter
from three import Three  # noqa: E402

endpoint, key = sys.argv[1:]
city = Three(f"{endpoint}/open311/v2", api_key=key)
codes = [service["service_code"] for service in city.services()]
assert "0402" in codes, codes
described = city.services("0402")
assert described["service_code"] == "0402", described

said = {"description": "积水 & mud", "lat": "39.92", "long": "116.42", "attribute[danger]": "no"}
number = city.post("0402", **said)[0]["service_request_id"]
read = city.request(number)[0]
assert (read["service_request_id"], read["status"], read["service_code"]) == (number, "open", "0402"), read
assert read["description"] == said["description"], read
assert abs(float(read["lat"]) - 39.92) < 1e-3 and abs(float(read["long"]) - 116.42) < 1e-3, read
listed = [request["service_request_id"] for request in city.requests(status="open")]
assert number in listed, listed
print(f"open311: {len(codes)} services, the request {number} reported and read by three")

# A field's kinds; those with "!" have to be there, all others may be null.
SERVICE = {"service_code": "text!", "service_name": "text!", "description": "text", "metadata": "flag!",
           "type": "realtime|batch|blackbox!", "keywords": "text", "group": "text"}
ATTRIBUTE = {"variable": "flag!", "code": "text!", "required": "flag!", "datatype_description": "text", "order": "whole",
             "datatype": "string|number|datetime|text|singlevaluelist|multivaluelist!", "description": "text"}
VALUE = {"key": "text!", "name": "text!"}
REQUEST = {"service_request_id": "text!", "status": "open|closed!", "status_notes": "text", "service_name": "text",
           "service_code": "text!", "description": "text", "agency_responsible": "text", "service_notice": "text",
           "requested_datetime": "time!", "updated_datetime": "time", "expected_datetime": "time", "address": "text",
           "address_id": "text", "zipcode": "text", "lat": "number", "long": "number", "media_url": "text"}
ERROR = {"code": "code!", "description": "text!"}
checked = 0


def time(value):
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None


def fits(kind, value, is_xml):
    """Whether a value is of a kind; in XML all is text."""
    if kind == "flag":
        return value in ("true", "false") if is_xml else isinstance(value, bool)
    if kind in ("whole", "number", "code"):
        number = float(value) if is_xml else value
        return not isinstance(number, bool) and isinstance(number, (int, float)) and (kind == "number" or number == int(number))
    if not isinstance(value, str) or len(value) > 4000:
        return False
    return time(value) if kind == "time" else kind == "text" or value in kind.split("|")


def check(table, found, is_xml):
    global checked
    for field, kind in table.items():
        value = found.get(field)
        if kind.endswith("!"):
            assert value is not None, f"{field} is missing of {found}"
        assert value is None or fits(kind.rstrip("!"), value, is_xml), f"{field} of {found} is no {kind}"
        checked += value is not None


def ask(path, **data):
    """The answer's text and status, whatever it is."""
    body = urllib.parse.urlencode(data).encode() if data else None
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/open311/v2/{path}", body)) as answer:
            return answer.read(), answer.status
    except urllib.error.HTTPError as error:
        return error.read(), error.code


def both(path, table, root, part, status=200, **data):
    """Checks every entry of a document in both forms; gives those of JSON."""
    text, told = ask(f"{path}.json", **data)
    assert told == status, (path, told, text)
    entries = json.loads(text)
    text, told = ask(f"{path}.xml", **data)
    assert told == status and text.startswith(b"<?xml"), (path, told, text)
    tree = XML.fromstring(text)
    assert tree.tag == root, (path, tree.tag)
    parts = tree.findall(part)
    assert len(parts) == len(entries), (path, len(parts), len(entries))
    for entry in entries:
        check(table, entry, False)
    for entry in parts:
        check(table, {field.tag: field.text for field in entry}, True)
    return entries


both("services", SERVICE, "services", "service")
definition = json.loads(ask("services/0402.json")[0])
tree = XML.fromstring(ask("services/0402.xml")[0])
assert tree.tag == "service_definition" and tree.findtext("service_code") == definition["service_code"] == "0402"
assert definition["attributes"] and len(tree.findall("attributes/attribute")) == len(definition["attributes"])
for attribute in definition["attributes"]:
    check(ATTRIBUTE, attribute, False)
    for value in attribute.get("values") or []:
        check(VALUE, value, False)
for attribute in tree.findall("attributes/attribute"):
    check(ATTRIBUTE, {field.tag: field.text for field in attribute}, True)
both("requests", REQUEST, "service_requests", "request")
both(f"requests/{number}", REQUEST, "service_requests", "request")
both("requests/none-such", ERROR, "errors", "error", 404)
both("services/none-such", ERROR, "errors", "error", 404)
both("requests", ERROR, "errors", "error", 400, service_code="0402", api_key=key)
both("requests", ERROR, "errors", "error", 403, service_code="0402", api_key="wrong", lat="39.92", long="116.42")
print(f"open311: {checked} fields in JSON and XML are as the standard's own validation asks")
