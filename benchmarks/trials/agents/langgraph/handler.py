from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    text: str


graph = StateGraph(State)
graph.add_node("upper", lambda state: {"text": state["text"].upper()})
graph.add_node("stress", lambda state: {"text": state["text"] + "!"})
graph.add_edge(START, "upper")
graph.add_edge("upper", "stress")
graph.add_edge("stress", END)
compiled = graph.compile()


async def handle(inputs):
    return await compiled.ainvoke({"text": inputs["text"]})
