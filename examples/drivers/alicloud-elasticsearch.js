// A driver for the official Node SDK, @alicloud/elasticsearch20170613 4:
//
//     npm install @alicloud/elasticsearch20170613@4.3.5
//     pytest --es-upgrade --es-upgrade-driver='node alicloud-elasticsearch.js'
//
// To make it yours, replace what is in `call` and `errorOf`.

const readline = require("node:readline");
const { default: Client, UpgradeEngineVersionRequest } = require("@alicloud/elasticsearch20170613");
const { $OpenApiUtil } = require("@alicloud/openapi-core");
const { RuntimeOptions } = require("@darabonba/typescript");

// One client for an endpoint, as a program has it.
const clients = new Map();

function clientOf(endpoint) {
  const key = JSON.stringify(endpoint);
  if (!clients.has(key)) {
    const url = new URL(endpoint.url);
    // "http://" within `endpoint` would be taken for a host name.
    clients.set(key, new Client(new $OpenApiUtil.Config({
      accessKeyId: endpoint.accessKeyId,
      accessKeySecret: endpoint.accessKeySecret,
      regionId: endpoint.regionId,
      endpoint: url.host,
      protocol: url.protocol.replace(":", ""),
      ca: endpoint.caFile === null ? undefined : require("node:fs").readFileSync(endpoint.caFile, "utf8"),
    })));
  }
  return clients.get(key);
}

async function call(endpoint, { instanceId, version, type, clientToken, dryRun }) {
  const limit = endpoint.timeout * 1000;
  // Either limit alone does not hold: the SDK takes both for the whole answer.
  const runtime = new RuntimeOptions({ connectTimeout: limit, readTimeout: limit });
  const request = new UpgradeEngineVersionRequest({ version, type, clientToken, dryRun });
  const response = await clientOf(endpoint).upgradeEngineVersionWithOptions(instanceId, request, {}, runtime);
  return response;
}

function errorOf(raised) {
  return {
    type: raised.name,
    code: raised.code,
    message: raised.message,
    httpStatus: raised.statusCode,
    requestId: raised.requestId,
  };
}

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  if (!line.trim()) return;
  const { id, endpoint, request } = JSON.parse(line);
  let answer;
  try {
    answer = { id, result: (await call(endpoint, request)) ?? null };
  } catch (raised) {
    answer = { id, error: errorOf(raised) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
