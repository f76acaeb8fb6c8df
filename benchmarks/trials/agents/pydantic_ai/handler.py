from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

agent = Agent(TestModel())


@agent.tool_plain
def population(city: str) -> int:
    return 709_037


async def handle(inputs):
    result = await agent.run(inputs["question"])
    return {"answer": result.output}
