"""Nearly free unless the agent has traces."""

from collections.abc import Awaitable, Callable

from opentelemetry import trace

TRACER = trace.get_tracer("agent_runtime")


async def in_span(
    work: Callable[[], Awaitable[None]], run_id: str, state: Callable[[], str]
) -> None:
    with TRACER.start_as_current_span(
        # OpenTelemetry's conventions for generative AI.
        "invoke_agent",
        attributes={"gen_ai.operation.name": "invoke_agent", "agent.run.id": run_id},
        record_exception=False,
    ) as span:
        await work()
        span.set_attribute("agent.run.state", state())
        if state() == "failed":
            # The message may hold what was sent.
            span.set_status(trace.StatusCode.ERROR)


def trace_id() -> str:
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""
