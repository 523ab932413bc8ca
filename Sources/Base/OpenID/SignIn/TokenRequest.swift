import Foundation
package import Kernel
package import Outbound

/// Exchanging a code for tokens (Core 1.0, section 3.1.3).
package struct TokenRequest: Sendable {
    package let issuer: Issuer
    package let metadata: ProviderMetadata
    package let code: String
    package let verifier: String
    package let redirect: String

    package init(issuer: Issuer, metadata: ProviderMetadata, code: String, verifier: String, redirect: String) {
        self.issuer = issuer
        self.metadata = metadata
        self.code = code
        self.verifier = verifier
        self.redirect = redirect
    }

    package var request: OutboundRequest {
        var form = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ]
        var headers: OutboundHeaders = [
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
        ]
        switch (issuer.authentication, issuer.clientSecret) {
        case (.basic, let secret?):
            // RFC 6749, section 2.3.1: both are encoded as a form does before they are joined.
            let pair = "\(FormText.encode(issuer.clientID)):\(FormText.encode(secret.reveal()))"
            headers["Authorization"] = "Basic \(Data(pair.utf8).base64EncodedString())"
        case (.post, let secret?):
            form += [("client_id", issuer.clientID), ("client_secret", secret.reveal())]
        case (.none, _), (_, nil): form.append(("client_id", issuer.clientID))
        }
        return OutboundRequest(
            "POST", metadata.token.address, headers: headers, body: Data(FormText.encode(form).utf8),
            timeout: .seconds(15), answerLimit: 200_000)
    }
}

/// What the token endpoint gives (Core 1.0, section 3.1.3.3).
package struct TokenAnswer: Sendable {
    package let idToken: String
    package let accessToken: Secret<String>?

    package init(idToken: String, accessToken: Secret<String>?) {
        self.idToken = idToken
        self.accessToken = accessToken
    }

    /// - Throws: `unauthenticated` if the code is not taken, `deliveryFailed` if the provider is not well or set up
    ///   otherwise.
    package init(_ response: OutboundResponse) throws(Problem) {
        let tree = try? JSONTree(response.body)
        if (400..<500).contains(response.status), let error = tree?["error"]?.text {
            throw error == "invalid_grant"
                ? Problem(
                    .unauthenticated,
                    "The provider does not take the code of this sign-in: it was used, or is too old.",
                    hint: "Sign in again.")
                : Problem(
                    .unauthenticated, "The provider refused to finish the sign-in: \(plainWord(error)).",
                    hint: "Check client id and client secret (weir issuers test).")
        }
        guard response.status == 200, let tree, let idToken = tree["id_token"]?.text else {
            throw Problem(
                .deliveryFailed, "The provider gave no token (status \(response.status)).",
                hint: "Sign in again in a minute; check the scopes and what the provider allows the application.")
        }
        if let type = tree["token_type"]?.text, type.lowercased() != "bearer" {
            throw Problem(.unauthenticated, "The provider gave a token of an unknown type.", hint: nil)
        }
        self.init(idToken: idToken, accessToken: tree["access_token"]?.text.map { Secret($0) })
    }
}
