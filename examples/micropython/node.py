"""
A node of a group, on MicroPython 1.20 or later (ESP32, M5Stack, ...): it sets a value, fires an event, and prints
what the other nodes set and fire. It asks the server every two seconds, which needs no WebSocket.

On a board: connect to the network first, and write ENDPOINT and KEY here. It needs `requests`, which most boards with
a network have built in; otherwise: mpremote mip install requests
"""
import os, sys, time
import requests

ENDPOINT = "http://192.168.0.5:4000/graphql"
KEY = "da2-..."
if sys.platform == "linux":
    ENDPOINT, KEY = os.getenv("MESH_ENDPOINT"), os.getenv("MESH_API_KEY")

TYPES = "$groupId: ID!, $domain: String!, $nodeId: ID!, $secret: String"
NODE = "groupId: $groupId, domain: $domain, nodeId: $nodeId, secret: $secret"
# Subscribers get the fields that a mutation selects. So it selects all of them.
STATUS = "{ nodeId groupId domain data { key value } timestamp }"
LIST = "query ($domain: String!) { listGroupsByDomain(domain: $domain) { id name } }"
JOIN = "mutation (%s) { joinGroup(%s, useWebSocket: false) { createdAt } }" % (TYPES, NODE)
REPORT = "mutation (%s, $data: [SensorDataInput!]!) { reportDataByNode(%s, data: $data) { groupId domain nodeStatus %s } }" % (TYPES, NODE, STATUS)
RECORD = "mutation (%s, $events: [EventInput!]!) { recordEventsByNode(%s, events: $events) { recordedCount } }" % (TYPES, NODE)
POLL = """query ($groupId: ID!, $domain: String!, $since: String!) { pollGroupData(groupId: $groupId, domain: $domain, since: $since)
  { events { name payload firedByNodeId cursor } nodeStatuses %s } }""" % STATUS


def call(query, **variables):
    answer = requests.post(ENDPOINT, headers={"x-api-key": KEY}, json={"query": query, "variables": variables})
    body = answer.json()
    answer.close()
    if "errors" in body:
        raise Exception(body["errors"][0]["message"])
    return list(body["data"].values())[0]


def random_id():
    return "".join("%02x" % byte for byte in os.urandom(16))


def now():
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % time.gmtime()[:6]


domain = call("mutation { createDomain }")
# The secret protects the node: nobody else can call as it.
node = {"groupId": call(LIST, domain=domain)[0]["id"], "domain": domain, "nodeId": random_id(), "secret": random_id()}
since = call(JOIN, **node)["createdAt"]
call(REPORT, data=[{"key": "temperature", "value": "21"}], **node)
call(RECORD, events=[{"eventName": "hello", "payload": "from MicroPython", "firedAt": now()}], **node)
known = []
while True:
    page = call(POLL, groupId=node["groupId"], domain=domain, since=since)
    for item in [status for status in page["nodeStatuses"] if status not in known] + page["events"]:
        if node["nodeId"] not in (item.get("nodeId"), item.get("firedByNodeId")):
            print(item)
    known = page["nodeStatuses"]
    if page["events"]:
        since = page["events"][-1]["cursor"]
    time.sleep(2)
