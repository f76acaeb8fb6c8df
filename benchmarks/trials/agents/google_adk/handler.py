from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types


class Parrot(BaseLlm):
    async def generate_content_async(self, llm_request, stream=False):
        text = llm_request.contents[-1].parts[-1].text
        yield LlmResponse(content=types.ModelContent(f"You said: {text}"))


runner = InMemoryRunner(agent=LlmAgent(name="parrot", model=Parrot(model="none")), app_name="trial")


async def handle(inputs):
    session = await runner.session_service.create_session(app_name="trial", user_id="somebody")
    answer = ""
    async for event in runner.run_async(
        user_id="somebody",
        session_id=session.id,
        new_message=types.UserContent(inputs["question"]),
    ):
        if event.is_final_response():
            answer = event.content.parts[0].text
    return {"answer": answer}
