import Kernel
import Postgres
import Testing

@Suite("An address with its names looked up")
struct PinnedAddressTests {
    /// The parts of the connection string that say where to connect.
    private func places(
        _ text: String, _ names: [String: [String]]
    ) async throws -> [String: String] {
        let address = try await ConnectionAddress(text).pinned { host in
            guard let found = names[host] else { throw Problem(.forbidden, "\(host) may not be reached.") }
            return found
        }
        #expect(address.place == (try ConnectionAddress(text)).place, "messages show what was typed")
        var places: [String: String] = [:]
        for part in address.conninfo(session: [:]).reveal().split(separator: " ") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard ["host", "hostaddr", "port"].contains(pair[0]) else { continue }
            places[String(pair[0])] = pair[1].filter { $0 != "'" }
        }
        return places
    }

    @Test("is connected to by number; certificates are checked by name")
    func one() async throws {
        let found = try await places("postgresql://u@db.example:5433/d", ["db.example": ["192.0.2.1"]])
        #expect(found == ["host": "db.example", "hostaddr": "192.0.2.1", "port": "5433"])
    }

    @Test("keeps all numbers of a name, and each host's own port")
    func several() async throws {
        let names = ["a": ["192.0.2.1", "2001:db8::1"], "b": ["192.0.2.2"]]
        let found = try await places("postgresql://u@a:1,b:2/d", names)
        #expect(found == ["host": "a,a,b", "hostaddr": "192.0.2.1,2001:db8::1,192.0.2.2", "port": "1,1,2"])
        let shared = try await places("postgresql://u@a,b/d?port=7", names)
        #expect(shared["port"] == "7,7,7")
        let without = try await places("postgresql://u@b/d", names)
        #expect(without == ["host": "b", "hostaddr": "192.0.2.2"])
    }

    @Test("a socket is of this machine")
    func sockets() async throws {
        let found = try await places("postgresql://u@%2Frun%2Fpg/d", ["127.0.0.1": ["127.0.0.1"]])
        #expect(found == ["host": "/run/pg", "hostaddr": ""])
        await #expect(throws: Problem.self) { try await places("postgresql://u@%2Frun%2Fpg/d", [:]) }
    }

    @Test("one host of several that may not be reached is enough to refuse")
    func refused() async {
        let problem = await #expect(throws: Problem.self) {
            try await places("postgresql://u@good:1,bad:2/d", ["good": ["192.0.2.1"]])
        }
        #expect(problem?.code == .forbidden)
    }
}
