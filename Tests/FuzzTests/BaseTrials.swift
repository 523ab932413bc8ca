import Foundation
import Kernel
import Postgres
import Roles

@testable import Jobs

extension Trials {
    static let base: [Trial] = [
        .text("cron", ["*/5 8-18 * * MON-FRI", "0 0 L * ?", "15,45 2 1-7/2 JAN-MAR 1#2", "@daily", "0 6 29 2 *"]) {
            text in
            let cron = try CronExpression(text)
            try hold((try? CronExpression(cron.description)) == cron, "it does not read itself back")
            guard let zone = TimeZone(identifier: "Europe/Berlin") else { throw Broken(what: "no zone") }
            let now = Date(timeIntervalSince1970: 1_795_000_000)
            guard let next = cron.next(after: now, in: zone) else { return }
            try hold(next > now, "it fires in the past")
            try hold(cron.previous(before: next.addingTimeInterval(1), in: zone) == next, "back is another way")
        },
        .text(
            "connection address",
            [
                "postgresql://user:p%40ss@host:5432/shop?sslmode=require", "postgres://u@[::1]/d", "postgresql://a,b/d",
                "postgresql://host/d?password=secret&options=-c%20x",
            ]
        ) { text in
            let address = try Postgres.ConnectionAddress(text)
            try hold(address.parameters["password"] == nil, "the password is among the parameters")
            try hold(address.parameters["host"]?.isEmpty == false, "no host")
            let password = address.password?.reveal() ?? ""
            // A database may be called like it.
            let isElsewhereToo = address.parameters.values.contains { $0.contains(password) }
            try hold(
                password.count < 6 || isElsewhereToo || !"\(address)".contains(password), "it prints its password")
        },
        .text("PostgreSQL array", ["plain", "with \"quotes\" and \\", "NULL", "{a,b}", "é😀"]) { text in
            let values = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            try hold(arrayElements(PGArray.text(values)) == values, "the array reads back otherwise")
        },
        .text(
            "traceparent",
            [
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-00000000000000000000000000000000-b7ad6b7169203331-00",
            ]
        ) { text in
            guard let trace = TraceContext(traceparent: text) else { return }
            try hold(TraceContext(traceparent: trace.traceparent) == trace, "it reads back otherwise")
            try hold(
                text.utf8.allSatisfy { $0 == 45 || (48...57).contains($0) || (97...102).contains($0) },
                "it holds other than lower-case digits")
        },
        .text("id", ["0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8aff", "0B7F2F5E0D6C4C5E9A553D6F5F2F8AFF"]) { text in
            guard let id = RunID(text) else { return }
            try hold(RunID(id.description) == id, "it reads back otherwise")
        },
        .text("slug", ["CustomerOrders", "a__b", "Ünïcode Name", "9lives"]) { text in
            let slug = Slug.snakeCase(text)
            try hold(!slug.isEmpty, "nothing is left")
            try hold(Slug.snakeCase(slug) == slug, "twice is not once")
            try hold(slug.utf8.count > 40 || Slug.isValid(slug), "it is no name: \(slug)")
        },
        .text("scopes", ["read", "all", "runs.read schedules.manage"]) { text in
            let names = text.split(separator: " ").map(String.init)
            guard let permissions = try Scope.permissions(of: names) else {
                return try hold(names.contains("all"), "it is wider than it says")
            }
            try hold(permissions.count < Permission.allCases.count, "all without saying so")
        },
    ]
}

/// The elements of a text array of one dimension (PostgreSQL 15 documentation, 8.15.2).
private func arrayElements(_ text: String) -> [String] {
    var (elements, element, isQuoted, isEscaped): ([String], [UInt8], Bool, Bool) = ([], [], false, false)
    for byte in text.utf8.dropFirst().dropLast() {
        if isEscaped {
            element.append(byte)
            isEscaped = false
        } else if isQuoted, byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isQuoted.toggle()
        } else if !isQuoted, byte == UInt8(ascii: ",") {
            elements.append(String(decoding: element, as: UTF8.self))
            element = []
        } else {
            element.append(byte)
        }
    }
    return elements + [String(decoding: element, as: UTF8.self)]
}
