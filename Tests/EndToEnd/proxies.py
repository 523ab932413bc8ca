"""A TCP proxy before a server that can go silent: it closes nothing, takes what comes, and passes nothing on."""
import asyncio
import threading

from servers import free_port


class Proxy:
    """Listens on `port` of this machine until it is closed."""

    def __init__(self, target: int):
        self.target = target
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._passes = asyncio.Event()
        self._passes.set()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._listens.wait(10)

    def stall(self) -> None:
        """As a network that loses every packet: both sides go on to think that they are connected."""
        self._call(self._passes.clear)

    def resume(self) -> None:
        self._call(self._passes.set)

    def close(self) -> None:
        self._call(self._loop.stop)
        self._thread.join(10)

    def _call(self, work) -> None:
        self._loop.call_soon_threadsafe(work)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self._listens.set()
        self._loop.run_forever()
        self._passes.set()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        await self._passes.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            near_writer.close()
            return
        await asyncio.gather(self._pass(near_reader, far_writer), self._pass(far_reader, near_writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            await self._passes.wait()
            writer.close()
