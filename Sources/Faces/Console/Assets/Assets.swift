import Foundation
import HTTPTypes
import Hummingbird
import Kernel

/// Scripts and styles, held in memory. Their addresses carry a hash of the content, so browsers keep them for good.
struct Assets: Sendable {
    private let files: [String: AssetFile]
    let addresses: AssetAddresses

    /// - Throws: `missingDependency` if one cannot be read.
    init(own: String, others: String) throws {
        let css = "text/css; charset=utf-8"
        let javaScript = "text/javascript; charset=utf-8"
        let files = [
            try AssetFile("console.css", in: own, type: css),
            try AssetFile("theme.js", in: own, type: javaScript),
            try AssetFile("console.js", in: own, type: javaScript),
            try AssetFile("charts.js", in: own, type: javaScript),
            try AssetFile("favicon.svg", in: own, type: "image/svg+xml"),
            try AssetFile("htmx.min.js", in: others, type: javaScript),
            try AssetFile("echarts.min.js", in: others, type: javaScript),
        ]
        self.files = Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0) })
        addresses = AssetAddresses(
            styles: files[0].address, theme: files[1].address, script: files[2].address, charts: files[3].address,
            icon: files[4].address, htmx: files[5].address, echarts: files[6].address)
    }

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.open("/assets/:hash/:name", .get) { call in
            guard let file = files[try call.parameter("name")] else {
                throw Problem(.notFound, "There is no file at this address.", hint: "Load the page again.")
            }
            return file.response(to: call.request, isCurrent: try call.parameter("hash") == file.hash)
        }
        entrance.open("/favicon.ico", .get) { _ in .redirect(to: addresses.icon, type: .found) }
    }
}

/// Where pages find the assets.
struct AssetAddresses: Sendable {
    let styles: String
    let theme: String
    let script: String
    let charts: String
    let icon: String
    let htmx: String
    let echarts: String
}

private struct AssetFile: Sendable {
    let name: String
    let type: String
    let hash: String
    let bytes: ByteBuffer
    /// `name.gz` beside it, if the set-up made one.
    let compressed: ByteBuffer?

    var address: String { "/assets/\(hash)/\(name)" }

    init(_ name: String, in folder: String, type: String) throws {
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
            throw Problem(
                .missingDependency, "The console's file \(name) is missing.",
                hint: "Run make bootstrap, then try again.")
        }
        self.name = name
        self.type = type
        hash = Self.fingerprint(data)
        bytes = ByteBuffer(bytes: data)
        compressed = FileManager.default.contents(atPath: "\(folder)/\(name).gz").map { ByteBuffer(bytes: $0) }
    }

    /// An address with an old hash gets today's content, but may not keep it.
    func response(to request: Request, isCurrent: Bool) -> Response {
        let accepts = request.headers[.acceptEncoding] ?? ""
        let packed = accepts.contains("gzip") ? compressed : nil
        let tag = packed == nil ? "\"\(hash)\"" : "\"\(hash)-gz\""
        var headers: HTTPFields = [
            .contentType: type, .eTag: tag,
            .cacheControl: isCurrent ? "public, max-age=31536000, immutable" : "no-cache",
        ]
        if compressed != nil { headers[.vary] = "Accept-Encoding" }
        if request.headers[.ifNoneMatch]?.contains(tag) == true {
            return Response(status: .notModified, headers: headers)
        }
        if packed != nil { headers[.contentEncoding] = "gzip" }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: packed ?? bytes))
    }

    /// FNV-1a, 64 bits: it tells versions of a file apart and guards nothing.
    private static func fingerprint(_ data: Data) -> String {
        let hash = data.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        return String(hash, radix: 36)
    }
}
