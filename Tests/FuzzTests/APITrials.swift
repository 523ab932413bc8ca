import Foundation
import Kernel

@testable import API

extension Trials {
    static let api: [Trial] = [
        .text("idempotency key", ["\"8e03978e\"", "bare key", "\"a\\\"b\\\\c\""]) { text in
            guard let key = try IdempotencyKey.of(header: text, body: nil) else { throw Broken(what: "no key") }
            try hold((1...200).contains(key.utf8.count), "its length is \(key.utf8.count)")
            try hold(key.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "it is not printable")
        },
        Trial(
            name: "body",
            samples: [
                #"{"source": "shop", "trigger": {"kind": "cron", "expression": "* * * * *"}, "tables": ["a", null]}"#,
                #"{"url": "postgresql://h/d", "views": true, "idempotency_key": 1e400}"#, "[]",
            ],
            check: { bytes in
                let value = try JSONDecoder().decode(AnyJSON.self, from: Data(bytes))
                for shape in [Shapes.cloneRequest, Shapes.scheduleRequest, Shapes.bulkRequest] {
                    let fault = Schema.shape(shape).fault(in: value, at: "The body")
                    try hold(fault?.isEmpty != true, "an empty complaint")
                }
            }),
        .text("parameter", ["2026-02-29", "RETRYABLE,FAILED", "17", "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8aff"]) { text in
            for schema: Schema in [
                .text(format: "date"), .text(format: "uuid"), .integer(least: 1, most: 500), .list(.words(["FAILED"])),
            ] {
                let fault = schema.fault(inText: text)
                try hold(!text.unicodeScalars.contains("\0") || fault != nil, "it takes NUL")
            }
        },
    ]
}
