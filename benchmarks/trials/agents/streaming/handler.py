import asyncio


async def handle(inputs):
    for word in inputs["text"].split():
        yield f"{word} "
        await asyncio.sleep(0.01)
