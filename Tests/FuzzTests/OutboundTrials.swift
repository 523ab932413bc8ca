import Foundation
import Kernel

@testable import ObjectStorage
@testable import Outbound

extension Trials {
    static let outbound: [Trial] = [
        .text(
            "web address",
            [
                "https://hooks.acme.example/a/b?c=d#e", "http://[::1]:8080/", "https://user:pw@host/", "http://127.1/",
            ]
        ) { text in
            let address = try WebAddress(text)
            let again = try? WebAddress(address.text)
            try hold(
                again?.description == address.description && again?.path == address.path, "it reads back otherwise")
            try hold(
                !address.text.utf8.contains { $0 < 0x21 || $0 == 0x7F }, "it holds bytes that end a request's line")
        },
        .text("IP address", ["127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "2001:db8::"]) { text in
            guard let address = IPAddress(text) else { return }
            try hold(IPAddress(address.description) == address, "it reads back otherwise")
        },
        .text("networks", ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"]) { text in _ = try AddressRange(text) },
        .text("mailbox", ["weir@acme.example", "Weirhouse <weir@acme.example>", "\"a, b\" <a.b+c@d.example>"]) { text in
            let box = try Mailbox(text)
            try hold(!box.description.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "it holds a control character")
            try hold((try? Mailbox(name: nil, address: box.address))?.address == box.address, "its address is none")
        },
        .text(
            "mail server", ["smtp://user:p%40ss@host:587?from=weir@acme.example", "smtps://h?from=a%20<b@c.d>&ca=/x"]
        ) {
            _ = try SMTPServer($0)
        },
        .text(
            "object location",
            [
                "s3://bucket/prefix?region=eu-central-1", "s3://b.c/x?endpoint=http://127.0.0.1:9000&addressing=path",
                "/data/lake",
            ]
        ) { text in
            guard case .s3(let place) = try ObjectLocation(text) else { return }
            try hold(place.prefix.isEmpty || place.prefix.hasSuffix("/"), "a prefix that is no folder")
            try hold(!place.prefix.split(separator: "/").contains(".."), "a prefix that leaves its place")
            try hold(!place.endpoint.text.contains("?"), "an endpoint with a query")
        },
        Trial(
            name: "bucket listing",
            samples: [
                """
                <?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
                <NextContinuationToken>t</NextContinuationToken><Contents><Key>a/b+c</Key><Size>3</Size>\
                <LastModified>2026-11-25T01:02:03.000Z</LastModified><ETag>"e"</ETag></Contents></ListBucketResult>
                """,
                "<Error><Code>NoSuchBucket</Code></Error>",
            ],
            check: { bytes in
                let page = try S3Page(Data(bytes), below: "a/")
                try hold(page.objects.allSatisfy { !$0.key.isEmpty }, "an object without a key")
            }),
    ]
}
