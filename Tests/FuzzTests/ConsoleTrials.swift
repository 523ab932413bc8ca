import Foundation
import Kernel

@testable import Console

extension Trials {
    static let console: [Trial] = [
        .text("form", ["name=shop&tables=a%0Ab&views=on", "a=1&a=2&=x&b", "x=%E2%82%AC+%2B"]) { text in
            let form = Form(text)
            for name in ["name", "a", "", "x"] { try hold((form.raw(name) == nil) == form.all(name).isEmpty, "lost") }
            // Foundation takes a byte order mark away from the beginning of what it decodes.
            let plain = String(text.unicodeScalars.drop { $0 == "\u{FEFF}" })
            let again = Form("text=\(plain.encodedForAddress)")
            try hold(again.raw("text") == plain, "what is encoded comes back otherwise")
        },
        .text("return path", ["/runs/1?state=FAILED", "//evil.example/", "/\\evil.example", "/%2F/a"]) { text in
            guard let path = ReturnPath(text)?.text else { return }
            let url = URL(string: path, relativeTo: URL(string: "http://weir.example:8080/sign-in"))
            try hold(url == nil || url?.host == "weir.example", "it leads to \(url?.host ?? "")")
            try hold(path.hasPrefix("/") && !path.hasPrefix("//"), "it is no path")
        },
        .text(
            "address of a form",
            ["postgresql://user:secret@host:5432/db?sslmode=require", "a:b@c", "x?password=secret"]
        ) {
            text in
            let address = ConnectionAddress(text)
            let shown = address.withoutPassword
            try hold(ConnectionAddress(shown).withoutPassword == shown, "it is not clean the first time")
            try hold(address.with(password: Secret("a b@")).contains("a%20b%40"), "the password is not in it")
        },
        .text("pipeline", ["dev/shop", "prod/a/b", "moon/x"]) { text in
            guard let pipeline = Pipeline(text) else { return }
            try hold(Pipeline(pipeline.value) == pipeline, "it reads back otherwise")
        },
    ]
}
