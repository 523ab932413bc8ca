package import Foundation

/// One HTTP request to another system.
package struct OutboundRequest: Sendable {
    package var method: String
    package var address: WebAddress
    /// `Host`, `Content-Length` and whatever else concerns the connection are not among them: they are refused.
    package var headers: OutboundHeaders
    package var body: Data
    /// From the look-up of the name to the last byte of the answer.
    package var timeout: Duration
    /// From the look-up of the name to the end of the TLS handshake.
    package var connectTimeout: Duration
    /// How many bytes of the answer's body are read at most.
    package var answerLimit: Int

    package init(
        _ method: String, _ address: WebAddress, headers: OutboundHeaders = [:], body: Data = Data(),
        timeout: Duration = .seconds(30), connectTimeout: Duration = .seconds(10), answerLimit: Int = 1_000_000
    ) {
        self.method = method
        self.address = address
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.answerLimit = answerLimit
    }
}

/// What the other system answered, whatever its status. Redirects are not followed: a 3xx is an answer too.
package struct OutboundResponse: Sendable {
    package let status: Int
    package let headers: OutboundHeaders
    package let body: Data

    package init(status: Int, headers: OutboundHeaders, body: Data) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Header fields in order; names are equal whatever their case (RFC 9110, section 5.1).
package struct OutboundHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    package struct Field: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package private(set) var fields: [Field]

    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    package mutating func add(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

    /// The first field of that name. Setting replaces all of them.
    package subscript(_ name: String) -> String? {
        get { fields.first { Self.equal($0.name, name) }?.value }
        set {
            fields.removeAll { Self.equal($0.name, name) }
            if let newValue { add(name, newValue) }
        }
    }

    private static func equal(_ one: String, _ other: String) -> Bool { one.lowercased() == other.lowercased() }
}
