"""A node of a group, with gql 4: it sets a value, fires an event, and prints the messages of the group."""
import asyncio, os, uuid
from datetime import datetime, timezone
from urllib.parse import urlparse
from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

ENDPOINT, KEY = os.environ["MESH_ENDPOINT"], os.environ["MESH_API_KEY"]
# Subscribers get the fields that a mutation selects. So the mutations and the subscription select all of them.
MESSAGE = """{ groupId domain nodeStatus { nodeId groupId domain data { key value } timestamp }
  batchEvent { events { name firedByNodeId groupId domain payload timestamp cursor orderKey } firedByNodeId groupId domain timestamp }
  groupDissolve { groupId domain message } }"""
# The secret protects the node: nobody else can call as it.
TYPES = "$groupId: ID!, $domain: String!, $nodeId: ID!, $secret: String"
NODE = "groupId: $groupId, domain: $domain, nodeId: $nodeId, secret: $secret"
LIST = "query ($domain: String!) { listGroupsByDomain(domain: $domain) { id name } }"
JOIN = f"mutation ({TYPES}) {{ joinGroup({NODE}) {{ id }} }}"
REPORT = f"mutation ({TYPES}, $data: [SensorDataInput!]!) {{ reportDataByNode({NODE}, data: $data) {MESSAGE} }}"
FIRE = f"mutation ({TYPES}, $events: [EventInput!]!) {{ fireEventsByNode({NODE}, events: $events) {MESSAGE} }}"
LISTEN = f"subscription ($groupId: ID!, $domain: String!) {{ onMessageInGroup(groupId: $groupId, domain: $domain) {MESSAGE} }}"

async def main():
    http = AIOHTTPTransport(url=ENDPOINT, headers={"x-api-key": KEY})
    # gql makes no socket of an http:// URL, so it gets ws://. It knows AppSync's own https:// URLs.
    auth = AppSyncApiKeyAuthentication(host=urlparse(ENDPOINT).netloc, api_key=KEY)
    socket = AppSyncWebsocketsTransport(url=ENDPOINT.replace("http://", "ws://"), auth=auth)
    async with Client(transport=http) as api, Client(transport=socket) as live:
        domain = (await api.execute(GraphQLRequest("mutation { createDomain }")))["createDomain"]
        groups = (await api.execute(GraphQLRequest(LIST, variable_values={"domain": domain})))["listGroupsByDomain"]
        node = {"groupId": groups[0]["id"], "domain": domain, "nodeId": uuid.uuid4().hex, "secret": uuid.uuid4().hex}
        await api.execute(GraphQLRequest(JOIN, variable_values=node))
        await api.execute(GraphQLRequest(REPORT, variable_values={**node, "data": [{"key": "temperature", "value": "21"}]}))
        event = {"eventName": "hello", "payload": "from Python", "firedAt": datetime.now(timezone.utc).isoformat()}
        await api.execute(GraphQLRequest(FIRE, variable_values={**node, "events": [event]}))
        async for answer in live.subscribe(GraphQLRequest(LISTEN, variable_values=node)):
            print(answer["onMessageInGroup"], flush=True)

asyncio.run(main())
