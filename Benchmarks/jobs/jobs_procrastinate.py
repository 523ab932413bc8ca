"""procrastinate under the same load as jobload. Prints one JSON object.

    throughput ADDRESS COUNT CONCURRENCY
    latency    ADDRESS RATE SECONDS CONCURRENCY
"""

import asyncio
import json
import sys
import time

import procrastinate

mode, address, *numbers = sys.argv[1:]
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=address, max_size=20))
waits: list[float] = []
moments: list[float] = []
done = 0


@app.task(name="noop")
async def noop(made: float) -> int:
    global done
    waits.append((time.time() - made) * 1000)
    moments.append(time.monotonic())
    done += 1
    return 1


async def throughput(count: int, concurrency: int) -> dict[str, float]:
    for begin in range(0, count, 500):
        await noop.batch_defer_async(*({"made": time.time()} for _ in range(min(500, count - begin))))
    await app.run_worker_async(concurrency=concurrency, wait=False, install_signal_handlers=False)
    first, last = len(moments) * 30 // 100, len(moments) * 95 // 100
    return {"per_second": (last - first) / (moments[last] - moments[first]), "done": done}


async def latency(rate: int, seconds: int, concurrency: int) -> dict[str, float]:
    worker = asyncio.create_task(app.run_worker_async(concurrency=concurrency, install_signal_handlers=False))
    await asyncio.sleep(1)
    began = time.monotonic()
    for number in range(rate * seconds):
        await asyncio.sleep(max(0, began + number / rate - time.monotonic()))
        await noop.defer_async(made=time.time())
    while done < rate * seconds:
        await asyncio.sleep(0.01)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    ordered = sorted(waits)
    return {"p50_ms": ordered[len(ordered) // 2], "p99_ms": ordered[len(ordered) * 99 // 100]}


async def main() -> None:
    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        figures = await (throughput if mode == "throughput" else latency)(*map(int, numbers))
    print(json.dumps(figures))


asyncio.run(main())
