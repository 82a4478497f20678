# A node of a group, with Ruby's standard library: it sets a value, fires an event, and prints what the others do.
# The standard library has no WebSocket, so this node asks the server every two seconds.
%w[json net/http securerandom time].each { |library| require library }

ENDPOINT = URI(ENV.fetch("MESH_ENDPOINT"))
HEADERS = { "content-type" => "application/json", "x-api-key" => ENV.fetch("MESH_API_KEY") }
# Subscribers get the fields that a mutation selects. So it selects all of them.
STATUS = "{ nodeId groupId domain data { key value } timestamp }"
# The secret protects the node: nobody else can call as it.
TYPES = "$groupId: ID!, $domain: String!, $nodeId: ID!, $secret: String"
NODE = "groupId: $groupId, domain: $domain, nodeId: $nodeId, secret: $secret"
LIST = "query ($domain: String!) { listGroupsByDomain(domain: $domain) { id name } }"
JOIN = "mutation (#{TYPES}) { joinGroup(#{NODE}, useWebSocket: false) { createdAt pollingIntervalSeconds } }"
REPORT = "mutation (#{TYPES}, $data: [SensorDataInput!]!) { reportDataByNode(#{NODE}, data: $data) { groupId domain nodeStatus #{STATUS} } }"
RECORD = "mutation (#{TYPES}, $events: [EventInput!]!) { recordEventsByNode(#{NODE}, events: $events) { recordedCount } }"
POLL = "query ($groupId: ID!, $domain: String!, $since: String!) { pollGroupData(groupId: $groupId, domain: $domain, since: $since) " \
       "{ events { name payload firedByNodeId cursor } nodeStatuses #{STATUS} } }"

def call(query, **variables)
  answer = JSON.parse(Net::HTTP.post(ENDPOINT, JSON.generate(query:, variables:), HEADERS).body)
  raise answer["errors"].first.values_at("errorType", "message").join(": ") if answer["errors"]
  answer["data"].values.first
end

domain = call("mutation { createDomain }")
node = { groupId: call(LIST, domain:).first["id"], domain:, nodeId: SecureRandom.hex(16), secret: SecureRandom.hex(16) }
since, interval = call(JOIN, **node).values_at("createdAt", "pollingIntervalSeconds")
call(REPORT, **node, data: [{ key: "temperature", value: "21" }])
call(RECORD, **node, events: [{ eventName: "hello", payload: "from Ruby", firedAt: Time.now.utc.iso8601(3) }])
known = []
loop do
  page = call(POLL, groupId: node[:groupId], domain:, since:)
  news = (page["nodeStatuses"] - known) + page["events"]
  news.each { |item| puts JSON.generate(item) unless item.values_at("nodeId", "firedByNodeId").include?(node[:nodeId]) }
  $stdout.flush
  known = page["nodeStatuses"]
  since = page["events"].last["cursor"] if page["events"].any?
  sleep interval
end
