// A driver for the older generic Node client, @alicloud/pop-core 1.8:
//
//     npm install @alicloud/pop-core@1.8.0
//     pytest --es-upgrade --es-upgrade-driver='node pop-core.js'
//
// To make it yours, replace what is in `call` and `errorOf`.

const readline = require("node:readline");
const { ROAClient } = require("@alicloud/pop-core");

// One client for an endpoint, as a program has it.
const clients = new Map();

function clientOf({ url, accessKeyId, accessKeySecret }) {
  if (!clients.has(url)) {
    clients.set(url, new ROAClient({ accessKeyId, accessKeySecret, endpoint: url, apiVersion: "2017-06-13" }));
  }
  return clients.get(url);
}

function call(endpoint, { instanceId, version, type, clientToken, dryRun }) {
  // The client takes a path, a query and a body as they are. What is undefined would be sent as such.
  const query = JSON.parse(JSON.stringify({ clientToken, dryRun }));
  const body = JSON.stringify({ version, type });
  const path = `/openapi/instances/${encodeURIComponent(instanceId)}/actions/upgrade-version`;
  const headers = { "content-type": "application/json" };
  return clientOf(endpoint).request("POST", path, query, body, headers, { timeout: endpoint.timeout * 1000 });
}

function errorOf(raised) {
  return {
    type: raised.name,
    code: raised.code,
    message: raised.message,
    httpStatus: raised.statusCode,
    requestId: raised.result?.RequestId,
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
