import httpx
from openai import AsyncOpenAI

MESSAGE = {"role": "assistant", "content": "Hello from the model."}
COMPLETION = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "none",
    "choices": [{"index": 0, "finish_reason": "stop", "message": MESSAGE}],
}
answering = httpx.MockTransport(lambda request: httpx.Response(200, json=COMPLETION))
model = AsyncOpenAI(
    api_key="none",
    base_url="http://model.invalid/v1",
    http_client=httpx.AsyncClient(transport=answering),
)


async def handle(inputs):
    messages = [{"role": "user", "content": inputs["question"]}]
    completion = await model.chat.completions.create(model="none", messages=messages)
    return {"answer": completion.choices[0].message.content}
