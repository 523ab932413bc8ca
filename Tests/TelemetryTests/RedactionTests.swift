import Telemetry
import Testing

@Suite("Redaction of what other programs write")
struct RedactionTests {
    @Test(
        "takes passwords, keys and tokens out, wherever they stand",
        arguments: [
            "ERROR: x STATEMENT: CREATE ROLE a LOGIN PASSWORD 'gehe''heim' NOSUPERUSER", "password=geheim host=h",
            "password='ge\\'heim x' host=h", "Passwd: geheim", "SECRET_ACCESS_KEY=geheim", "secretAccessKey: geheim",
            "secret_id=geheim", "postgresql://u:geheim@h/d", "smtp://user:geheim@mail:587", "openbao://x:geheim@h",
            "Authorization: Bearer geheim.geheim", "whsec_geheimgeheim=", "weir_token_geheimgeheim", "hvs.geheimgeheim",
            "ATTACH 'x' (ENCRYPTION_KEY 'geheim')", "footer_key_value: 'geheim'", "client_token: geheim",
        ])
    func taken(_ text: String) {
        let clean = Redaction.redact(text)
        #expect(!clean.contains("gehe") && !clean.contains("heim") && !clean.contains("im'"), "\(clean)")
        #expect(clean.contains("•••"))
    }

    @Test(
        "leaves what is none",
        arguments: [
            "the password is wrong for user \"a\"", "GET https://host:443/path", "a secret name", "token expired",
            "2026-11-21 07:30:00 LOG: database system is ready", "http://[::1]:8080/x",
        ])
    func left(_ text: String) { #expect(Redaction.redact(text) == text) }
}
