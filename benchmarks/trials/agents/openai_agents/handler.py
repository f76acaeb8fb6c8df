import httpx
from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from openai import AsyncOpenAI

MESSAGE = {"role": "assistant", "content": "Hello from the model."}
COMPLETION = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "none",
    "choices": [{"index": 0, "finish_reason": "stop", "message": MESSAGE}],
}
set_tracing_disabled(True)
answering = httpx.MockTransport(lambda request: httpx.Response(200, json=COMPLETION))
client = AsyncOpenAI(
    api_key="none",
    base_url="http://model.invalid/v1",
    http_client=httpx.AsyncClient(transport=answering),
)
agent = Agent(
    name="Helper",
    instructions="Answer.",
    model=OpenAIChatCompletionsModel(model="none", openai_client=client),
)


async def handle(inputs):
    result = await Runner.run(agent, inputs["question"])
    return {"answer": result.final_output}
