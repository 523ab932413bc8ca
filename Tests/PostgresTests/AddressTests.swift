import CLibPQ
import Kernel
import Postgres
import Testing

@Suite("The address of a database")
struct AddressTests {
    @Test(
        "is read in every usual form",
        arguments: [
            ("postgresql://ann@db.example:5433/shop", "db.example:5433", "shop"),
            ("postgres://ann:pw@db.example/shop", "db.example:5432", "shop"),
            ("postgresql://db.example/shop?user=ann&password=pw", "db.example:5432", "shop"),
            ("postgresql://ann@[::1]:5432/shop", "::1:5432", "shop"),
            ("postgresql://ann@%2Ftmp%2Fsocket/shop", "/tmp/socket:5432", "shop"),
            ("postgresql:///shop?host=db.example&port=6000", "db.example:6000", "shop"),
            ("postgresql://ann@h/My%20DB%21", "h:5432", "My DB!"),
            ("postgresql://ann@h/shop?sslmode=require&connect_timeout=3&application_name=x", "h:5432", "shop"),
        ])
    func accepted(text: String, place: String, database: String) throws {
        let address = try ConnectionAddress(text)
        #expect(address.place == place)
        #expect(address.database == database)
        #expect(address.parameters["password"] == nil)
    }

    @Test(
        "may not name files, services, server options or other hosts of this machine",
        arguments: [
            "sslkey", "sslcert", "sslrootcert", "sslcrl", "sslpassword", "passfile", "service", "options", "hostaddr",
            "krbsrvname", "replication", "requirepeer",
        ])
    func refused(parameter: String) throws {
        let problem = #expect(throws: Problem.self) {
            _ = try ConnectionAddress("postgresql://ann:hunter2@h/shop?\(parameter)=hunter2")
        }
        #expect(problem?.code == .invalidInput)
        #expect(problem?.detail.contains(parameter) == true)
        #expect(problem?.description.contains("hunter2") == false)
    }

    @Test(
        "is refused with a sentence that shows nothing of it",
        arguments: [
            "", "hunter2", "mysql://ann:hunter2@h/shop", "host=h dbname=shop password=hunter2",
            "postgresql://ann:hunter2@h:0/shop", "postgresql://ann:hunter2@h:65536/shop",
            "postgresql://ann:hunter2@h:hunter2/shop", "postgresql://ann:hunter2/x@h/shop",
            "postgresql://ann:5432/hunter2@h/shop", "postgresql://ann:hunter2@h/", "postgresql://ann:hunter2@/shop",
            "postgresql://ann:hunter2@h", "postgresql://ann:hunter2%@h/shop",
            "postgresql://ann:hunter2@h/shop?nonsense=1",
            "postgresql://ann:hunter2@h/shop\0", "postgresql://ann:hunter2@a,b:1,2/shop",
        ])
    func unusable(text: String) {
        let problem = #expect(throws: Problem.self) { _ = try ConnectionAddress(text) }
        #expect(problem?.code == .invalidInput)
        #expect(problem?.description.contains("hunter2") == false)
        #expect(problem?.cause == nil)
    }

    @Test(
        "carries odd passwords whole and gives its session settings",
        arguments: [
            "hunter2", "it's", "back\\slash", "\\'", "'; host=evil", "a b\tc", "@:/?#[]%&=+ ", "日本🐟", "\"quoted\"",
            "''", "'\u{301}",
            "\\\u{301}'",
        ])
    func passwords(password: String) throws {
        let escaped = password.utf8.map { byte in
            "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        let address = try ConnectionAddress("postgresql://ann:\(escaped)@h:5433/sh%27op")
        #expect(address.password?.reveal() == password)
        let parsed = parse(address.conninfo(session: ["timezone": "UTC", "role": "reader"]).reveal())
        #expect(parsed["password"] == password)
        #expect(parsed["host"] == "h")
        #expect(parsed["port"] == "5433")
        #expect(parsed["dbname"] == "sh'op")
        #expect(parsed["options"] == "-c role=reader -c timezone=UTC")
        #expect(parsed["connect_timeout"] == "10")
    }

    @Test("never prints its password")
    func printing() throws {
        let address = try ConnectionAddress("postgresql://ann:hunter2@h/shop")
        var dumped = ""
        dump(address, to: &dumped)
        for text in ["\(address)", String(reflecting: address), dumped, "\(address.conninfo(session: [:]))"] {
            #expect(!text.contains("hunter2"))
        }
    }

    /// As libpq itself reads it.
    private func parse(_ conninfo: String) -> [String: String] {
        guard let options = PQconninfoParse(conninfo, nil) else { return [:] }
        defer { PQconninfoFree(options) }
        var found: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { found[String(cString: keyword)] = String(cString: value) }
            option = option.advanced(by: 1)
        }
        return found
    }

    @Test(
        "another password takes the old one's place, wherever that stands, and changes nothing else",
        arguments: [
            "postgresql://u@h:5433/d", "postgresql://u:old@h:5433/d", "postgres://u:o:ld%40@h:5433/d?sslmode=disable",
            "postgresql://u@h:5433/d?password=old&sslmode=disable", "postgresql://h:5433/d?user=u&password=old",
            "postgresql://h:5433/d?user=u",
        ])
    func otherPassword(_ text: String) throws {
        for password in ["new", "a b/@:?#&%=+", "ü漢", "'\\\""] {
            let before = try ConnectionAddress(text)
            let changed = try ConnectionAddress.address(Secret(text), password: Secret(password))
            let after = try ConnectionAddress(changed.reveal())
            #expect(after.password?.reveal() == password)
            #expect(after.parameters == before.parameters)
            #expect(!changed.reveal().contains("old"))
        }
    }
}
