/// Signing a command line in through a browser, as RFC 8628 has it.
package protocol DeviceOperations: Sendable {
    /// Open to everybody.
    /// - Throws: `invalidInput`; `tooManyAttempts` if too many wait.
    func beginDevice(_ request: DeviceRequest) async throws -> DeviceStarted
    /// What a machine asks again and again with its code. Open to everybody.
    func pollDevice(code: String) async throws -> DeviceWord
    /// The request that a person's code stands for, for a signed-in person.
    /// - Throws: `notFound`; `tooManyAttempts` after too many codes that were wrong.
    func device(userCode: String, as caller: Caller) async throws -> DeviceView
    /// The person's word: what the token is to be able to do and how long, or nil to deny it.
    /// - Throws: `notFound` if it is too late; `invalidInput`, `forbidden`.
    func answerDevice(userCode: String, _ approval: DeviceApproval?, as caller: Caller) async throws
}

/// `POST /api/v1/device` (RFC 8628, section 3.1).
package struct DeviceRequest: Sendable, Codable, Hashable {
    /// What the machine calls itself; shown to the person as its own claim.
    package var machine: String
    /// `all` if nil.
    package var scopes: [String]?

    package init(machine: String, scopes: [String]? = nil) {
        self.machine = machine
        self.scopes = scopes
    }
}

/// Section 3.2.
package struct DeviceStarted: Sendable, Codable, Hashable {
    package var deviceCode: String
    package var userCode: String
    /// Where the person types the code.
    package var verificationUri: String
    /// The same with the code in it.
    package var verificationUriComplete: String
    /// Seconds.
    package var expiresIn: Int
    /// Seconds between two questions.
    package var interval: Int

    package init(
        deviceCode: String, userCode: String, verificationUri: String, verificationUriComplete: String, expiresIn: Int,
        interval: Int
    ) {
        self.deviceCode = deviceCode
        self.userCode = userCode
        self.verificationUri = verificationUri
        self.verificationUriComplete = verificationUriComplete
        self.expiresIn = expiresIn
        self.interval = interval
    }
}

/// What a machine hears (section 3.5).
package enum DeviceWord: Sendable {
    case granted(DeviceToken)
    case authorizationPending
    /// From now on it is to wait so many seconds.
    case slowDown(Int)
    case accessDenied
    case expiredToken
}

/// A successful answer (RFC 6749, section 5.1).
package struct DeviceToken: Sendable, Codable, Hashable {
    package var accessToken: String
    package var tokenType: String
    /// Seconds.
    package var expiresIn: Int
    /// Names of scopes with blanks between.
    package var scope: String
    /// The organization that it is for, and who it speaks for.
    package var organization: String
    package var name: String

    package init(accessToken: String, expiresIn: Int, scope: String, organization: String, name: String) {
        self.accessToken = accessToken
        tokenType = "Bearer"
        self.expiresIn = expiresIn
        self.scope = scope
        self.organization = organization
        self.name = name
    }
}

/// A machine that waits, as the person sees it.
package struct DeviceView: Sendable, Codable, Hashable {
    package var userCode: String
    package var machine: String
    /// Where it asked from; nil if that is not known.
    package var address: String?
    package var scopes: [String]
    package var secondsLeft: Int

    package init(userCode: String, machine: String, address: String?, scopes: [String], secondsLeft: Int) {
        self.userCode = userCode
        self.machine = machine
        self.address = address
        self.scopes = scopes
        self.secondsLeft = secondsLeft
    }
}

/// What a person lets a machine do.
package struct DeviceApproval: Sendable, Codable, Hashable {
    package var scopes: [String]
    package var days: Int

    package init(scopes: [String], days: Int) {
        self.scopes = scopes
        self.days = days
    }
}
