// Calls of the agent.

class CallError extends Error {
  constructor(status, detail) {
    super(typeof detail === "string" ? detail : JSON.stringify(detail));
    this.status = status;
    this.detail = detail;
  }
}

// Return the result; `onPiece` gets what the handler yields, `onProgress` what it reports.
async function callAgent(inputs, token, signal, onPiece, onProgress) {
  const headers = {"Content-Type": "application/json", "Accept": "text/event-stream"};
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch("run", {
    method: "POST", headers, body: JSON.stringify(inputs), signal, cache: "no-store",
  });
  if (!response.ok) throw new CallError(response.status, await detailOf(response));
  for await (const {name, data} of eventsOf(response.body)) {
    if (name === "piece") onPiece(data);
    if (name === "progress") onProgress(data);
    if (name === "result") return data;
    if (name === "error") throw new CallError(data.status, data.detail);
  }
  throw new CallError(0, "The agent stopped before it had finished.");
}

async function detailOf(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return `The agent responded with ${response.status}.`;
  }
}

// Server-sent events, whose data is JSON.
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = readEvent(part);
      if (event) yield event;
    }
  }
}

function readEvent(text) {
  const lines = text.split("\n");
  const fieldsOf = name => lines
    .filter(line => line.startsWith(`${name}: `)).map(line => line.slice(name.length + 2));
  const data = fieldsOf("data");
  return data.length ? {name: fieldsOf("event")[0], data: JSON.parse(data.join("\n"))} : null;
}
