@testable import CommandLine

extension Trials {
    static let commandLine: [Trial] = [
        .text("time span", ["90s", "15m", "6h", "2d", "3650d"]) { text in
            guard let span = try? TimeSpan(typed: text) else { return }
            try hold((1...315_360_000).contains(span.seconds), "\(span.seconds) s")
            try hold(!TimeSpan.words(seconds: span.seconds).isEmpty, "no words")
        },
        .text("source address", ["postgresql://user@host:5432/db?sslmode=require", "postgres://u:p@[::1]/d"]) { text in
            let url = try SourceURL(text)
            if url.namesUser, !url.holdsPassword {
                try hold(try SourceURL(url.with(password: "a/b@c")).holdsPassword, "the password is not in it")
            }
        },
        Trial(
            name: "server-sent events",
            samples: [
                "event: run\r\ndata: {\"a\": 1}\nid: 7\n\n: beat\n\n", "\u{FEFF}data: x\rdata: y\r\r",
                "retry: 5\n\ndata\n\n",
            ],
            check: { bytes in
                var (whole, pieces) = (ServerSentEvents(), ServerSentEvents())
                let atOnce = whole.read(bytes)
                try hold(bytes.flatMap { pieces.read([$0]) } == atOnce, "in pieces it reads otherwise")
            }),
    ]
}
