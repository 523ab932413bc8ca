package import Wire

extension WireSamples {
    package static let auditLine = AuditLine(
        organizationID: "00000000-0000-0000-0000-00000000000a", sequence: 12, at: "2026-11-21T09:12:04.123456Z",
        whoID: "00000000-0000-0000-0000-00000000000b", who: "ana@acme.example", whoKind: "person",
        credentialID: "00000000-0000-0000-0000-00000000000c", action: "schedules.put", targetKind: "schedule",
        target: "nightly", outcome: "failed", problem: "not_found",
        before: #"{"views": false, "tables": [], "trigger": {"kind": "every", "minutes": 60}}"#,
        after: #"{"views": true, "tables": ["orders"], "trigger": {"kind": "every", "minutes": 60}}"#,
        address: "192.0.2.7", userAgent: "curl/8.5", correlationID: "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a01",
        previousHash: String(repeating: "1", count: 64), hash: String(repeating: "a", count: 64))

    package static let auditHead = AuditHeadView(
        head: "12:" + String(repeating: "a", count: 64), sequence: 12, first: 3, keepDays: 730)

    package static let auditVerification = AuditVerification(
        lines: 10, first: 3, head: auditHead.head, seconds: 0.012,
        faults: [AuditFaultView(kind: "missing", sequence: 7, through: 8, words: "Lines 7 to 8 were removed.")])
}
