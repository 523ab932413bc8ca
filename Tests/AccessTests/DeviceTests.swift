import Kernel
import Postgres
import Roles
import TestHouse
import Testing

@testable import Access

@Suite("Command lines that sign in", .timeLimit(.minutes(10)))
struct DeviceTests {
    private func use(_ work: (MetadataDatabase, Gate, DeviceBook, Principal) async throws -> Void) async throws {
        try await MetadataDatabase.use { metadata in
            let gate = Gate(pool: metadata.application, time: .system)
            let admin = try await gate.ensureOrganization(slug: "acme", principal: "admin")
            try await work(metadata, gate, DeviceBook(pool: metadata.application, time: .system), admin)
        }
    }

    /// As if the machine had waited.
    private func pass(_ metadata: MetadataDatabase) async throws {
        try await metadata.database.query("UPDATE weir.device_requests SET polled_at = NULL")
    }

    @Test("get a token once somebody has approved, once")
    func approved() async throws {
        try await use { metadata, gate, book, admin in
            let codes = try await book.begin(machine: "ana at box", scopes: ["all"], from: "192.0.2.7")
            let device = codes.device.reveal()
            guard case .pending = try await book.poll(device, from: nil) else { return #expect(Bool(false)) }
            guard case .slowDown(10) = try await book.poll(device, from: nil) else { return #expect(Bool(false)) }
            let typed = codes.user.lowercased().replacing("-", with: " ")
            let waiting = try #require(try await book.find(typed, by: admin.id, of: admin.organization))
            #expect(waiting.machine == "ana at box" && waiting.from == "192.0.2.7")
            let approval = DeviceBook.Approval(scopes: ["read"], lifetime: .seconds(3600))
            #expect(try await book.answer(codes.user, approval, by: admin.id, of: admin.organization))
            #expect(try await !book.answer(codes.user, nil, by: admin.id, of: admin.organization))
            try await pass(metadata)
            guard case .approved(let word) = try await book.poll(device, from: "192.0.2.7") else {
                return #expect(Bool(false))
            }
            #expect(word.organization == "acme" && word.person == "admin" && word.scopes == ["read"])
            let holder = try #require(try await gate.redeem(word.token.reveal(), as: .token))
            #expect(holder.id == admin.id && !holder.rights.may(.runsManage))
            guard case .expired = try await book.poll(device, from: nil) else { return #expect(Bool(false)) }
        }
    }

    @Test("get nothing when they are denied, too late, or unknown")
    func refused() async throws {
        try await use { metadata, _, book, admin in
            let denied = try await book.begin(machine: "box", scopes: ["all"], from: nil)
            #expect(try await book.answer(denied.user, nil, by: admin.id, of: admin.organization))
            guard case .denied = try await book.poll(denied.device.reveal(), from: nil) else {
                return #expect(Bool(false))
            }
            let late = try await book.begin(machine: "box", scopes: ["all"], from: nil)
            try await metadata.database.query("UPDATE weir.device_requests SET expires_at = now()")
            #expect(try await book.find(late.user, by: admin.id, of: admin.organization) == nil)
            let approval = DeviceBook.Approval(scopes: nil, lifetime: .seconds(60))
            #expect(try await !book.answer(late.user, approval, by: admin.id, of: admin.organization))
            guard case .expired = try await book.poll(late.device.reveal(), from: nil) else {
                return #expect(Bool(false))
            }
            guard case .expired = try await book.poll("weir_device_x", from: nil) else { return #expect(Bool(false)) }
            #expect(try await metadata.database.number("SELECT count(*) FROM weir.credentials") == 0)
        }
    }

    @Test("cannot be found by trying codes, and cannot fill the house")
    func tries() async throws {
        try await use { _, _, book, admin in
            let approval = DeviceBook.Approval(scopes: nil, lifetime: .seconds(60))
            for number in 0..<DeviceBook.mostTries {
                if number.isMultiple(of: 2) {
                    #expect(try await book.find("BCDF-GHJK", by: admin.id, of: admin.organization) == nil)
                } else {
                    #expect(try await !book.answer("BCDF-GHJK", approval, by: admin.id, of: admin.organization))
                }
            }
            let codes = try await book.begin(machine: "box", scopes: ["all"], from: "192.0.2.1")
            await #expect(throws: Problem.self) {
                try await book.find(codes.user, by: admin.id, of: admin.organization)
            }
            await #expect(throws: Problem.self) {
                try await book.answer(codes.user, approval, by: admin.id, of: admin.organization)
            }
            for _ in 1..<20 { _ = try await book.begin(machine: "box", scopes: ["all"], from: "192.0.2.1") }
            await #expect(throws: Problem.self) {
                try await book.begin(machine: "box", scopes: ["all"], from: "192.0.2.1")
            }
            _ = try await book.begin(machine: "box", scopes: ["all"], from: "192.0.2.2")
        }
    }

    @Test("have codes without vowels, however they are typed", arguments: ["", "BCDF", "BCDF-GHJA", "BCDF.GHJK"])
    func codes(typed: String) {
        #expect(UserCode.read(typed) == nil)
        let code = UserCode.make()
        #expect(code.wholeMatch(of: /[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}/) != nil)
        #expect(UserCode.read(code.lowercased().replacing("-", with: "")) == code)
    }
}
