"""A graph of two steps: the model answers, or asks for a tool, whose result it gets."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition


@tool
def now() -> str:
    """The date and time in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@tool
def count_words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())


TOOLS = [now, count_words]
# It reads OPENAI_API_KEY and OPENAI_BASE_URL.
model = ChatOpenAI(model=os.environ["OPENAI_MODEL"]).bind_tools(TOOLS)


async def answer(state: MessagesState) -> dict[str, Any]:
    return {"messages": [await model.ainvoke(state["messages"])]}


def build_graph() -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_node("tools", ToolNode(TOOLS))
    graph.add_edge(START, "answer")
    graph.add_conditional_edges("answer", tools_condition)
    graph.add_edge("tools", "answer")
    return graph.compile()


graph = build_graph()


async def handle(inputs: dict[str, Any]) -> AsyncIterator[str]:
    """Yield the answer in pieces; together they are the output."""
    messages = {"messages": [("user", inputs["message"])]}
    async for message, _ in graph.astream(messages, stream_mode="messages"):
        if isinstance(message, AIMessageChunk) and isinstance(message.content, str):
            yield message.content
