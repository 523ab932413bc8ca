// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6 mode, explicit existentials and imports, warnings are errors.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// One folder of `Sources/<group>/<name>`.
func module(
    _ name: String, in group: String, uses: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
    .target(
        name: name, dependencies: uses, path: "Sources/\(group)/\(name)", resources: resources, swiftSettings: house)
}

/// One folder of `Tests/`, which mirrors `Sources/`.
func tests(_ name: String, uses: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: uses, path: "Tests/\(name)", exclude: exclude, swiftSettings: house)
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "weirhouse",
    products: [.executable(name: "weir", targets: ["weir"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Base
        module("Kernel", in: "Base"),
        .systemLibrary(
            name: "CLibPQ", path: "Sources/Base/CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "CDuckDB", path: "Sources/Base/CDuckDB"),
        .systemLibrary(
            name: "CCurl", path: "Sources/Base/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]),
        module("Outbound", in: "Base", uses: ["Kernel", "CCurl", crypto]),
        module("OpenID", in: "Base", uses: ["Kernel", "Outbound", crypto, cryptoExtras]),
        module("ObjectStorage", in: "Base", uses: ["Kernel", "Outbound"]),
        module("Postgres", in: "Base", uses: ["Kernel", "CLibPQ"]),
        module("DuckDB", in: "Base", uses: ["Kernel", "CDuckDB"]),
        module("Jobs", in: "Base", uses: ["Kernel", "Postgres"]),
        module("Roles", in: "Base", uses: ["Kernel"]),
        module("Access", in: "Base", uses: ["Kernel", "Roles", "Postgres", crypto]),
        module("Secrets", in: "Base", uses: ["Kernel", "Postgres", "Outbound", crypto, cryptoExtras]),
        module("Telemetry", in: "Base", uses: ["Kernel", log, httpClient, nioCore, nioHTTP]),
        // Flow
        module("Connecting", in: "Flow", uses: ["Kernel"]),
        module("Lakehouse", in: "Flow", uses: ["Kernel", "Connecting", "DuckDB", crypto]),
        module("Ingestion", in: "Flow", uses: ["Kernel", "Connecting", "Lakehouse", "Jobs"]),
        module("Warehousing", in: "Flow", uses: ["Kernel", "Connecting"]),
        module("Provisioning", in: "Flow", uses: ["Kernel", "Warehousing", "Jobs"]),
        module("Loading", in: "Flow", uses: ["Kernel", "Connecting", "Lakehouse", "Warehousing", "Jobs"]),
        module("Modeling", in: "Flow", uses: ["Kernel", "Connecting", "Warehousing", yaml, subprocess, system]),
        module(
            "Serving", in: "Flow",
            uses: [
                "Kernel", "Warehousing", "DuckDB", hummingbird, httpClient, nioCore, nioHTTP, httpTypes, log, lifecycle,
            ]),
        // Warehouses
        module(
            "EmbeddedWarehouse", in: "Warehouses", uses: ["Kernel", "Connecting", "Warehousing", "Postgres", "DuckDB"]),
        // Connectors
        module("PostgresConnector", in: "Connectors", uses: ["Kernel", "Connecting", "Postgres", "DuckDB"]),
        // Faces
        module("Wire", in: "Faces", uses: ["Kernel", "Roles"]),
        module(
            "Admission", in: "Faces",
            uses: [
                "Kernel", hummingbird, hummingbirdCore, nioCore, nioHTTP, nioSSL, nioHTTPTypes, httpTypes, log,
            ]),
        module("API", in: "Faces", uses: ["Kernel", "Roles", "Wire", hummingbird, nioCore, httpTypes, log, lifecycle]),
        module(
            "Console", in: "Faces", uses: ["Kernel", "Wire", hummingbird, mustache, nioCore, httpTypes, log],
            resources: [.copy("Resources")]),
        module(
            "CommandLine", in: "Faces",
            uses: ["Kernel", "Roles", "Wire", arguments, httpClient, nioCore, nioHTTP, nioSSL, httpTypes]),
        // The composition root and the binary
        .target(
            name: "Weirhouse",
            dependencies: [
                "Kernel", "Postgres", "DuckDB", "Outbound", "OpenID", "ObjectStorage", "Jobs", "Roles", "Access",
                "Secrets",
                "Telemetry", "Connecting",
                "Lakehouse", "Ingestion", "Warehousing", "Provisioning", "Loading", "Modeling", "Serving",
                "EmbeddedWarehouse",
                "PostgresConnector",
                "Wire", "Admission", "API", "Console", "CommandLine", hummingbird, httpClient, arguments, configuration,
                log,
                lifecycle, signals,
                subprocess, system, crypto, nioCore, httpTypes,
            ],
            path: "Sources/Weirhouse", resources: [.copy("Migrations")], swiftSettings: house),
        .executableTarget(
            name: "jobload", dependencies: ["Kernel", "Postgres", "Jobs"], path: "Benchmarks/JobLoad",
            swiftSettings: house),
        .executableTarget(
            name: "bareserver", dependencies: [hummingbird, log], path: "Benchmarks/BareServer", swiftSettings: house),
        .executableTarget(name: "weir", dependencies: ["Weirhouse"], path: "Sources/weir", swiftSettings: house),
        // Tests
        tests("ModelingTests", uses: ["Modeling", "Connecting", "Warehousing", "Kernel"]),
        tests(
            "ConsoleTests",
            uses: ["Roles", "Console", "Wire", "WireSamples", "Kernel", hummingbird, nioCore, httpTypes, log]),
        tests(
            "APITests",
            uses: [
                "Roles", "API", "Wire", "WireSamples", "Kernel", hummingbird,
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                httpTypes,
                nioCore,
            ]),
        tests(
            "CommandLineTests",
            uses: [
                "Roles", "CommandLine", "API", "Wire", "WireSamples", "Kernel", hummingbird,
                .product(name: "HummingbirdTesting", package: "hummingbird"), arguments, nioCore,
            ]),
        tests("WireTests", uses: ["Wire", "Kernel"]),
        tests(
            "AdmissionTests",
            uses: [
                "Admission", "Kernel", hummingbird, hummingbirdCore, httpTypes, log, nioCore, nioSSL,
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), nioHTTP, nioHTTPTypes,
            ]),
        tests("DuckDBTests", uses: ["DuckDB", "Kernel"]),
        tests("ServingTests", uses: ["Serving", "DuckDB", "Warehousing", "Kernel"]),
        tests("KernelTests", uses: ["Kernel"]),
        tests(
            "TelemetryTests",
            uses: [
                "Telemetry", "Jobs", "Kernel", "Postgres", "TestHouse", hummingbird, httpTypes, log, nioCore,
            ]),
        tests("PostgresTests", uses: ["Postgres", "Kernel", "CLibPQ", "TestHouse"]),
        tests("JobsTests", uses: ["Jobs", "Postgres", "Kernel", "TestHouse"]),
        tests("RolesTests", uses: ["Roles", "Kernel"]),
        tests("AccessTests", uses: ["Access", "Roles", "Postgres", "Kernel", "TestHouse"]),
        tests("AuditTests", uses: ["Access", "Postgres", "Kernel", "TestHouse", crypto]),
        tests(
            "SecretsTests",
            uses: [
                "Secrets", "Postgres", "Outbound", "Kernel", "TestHouse", "Peers", "SecretStoreConformance", crypto,
                cryptoExtras,
            ]),
        tests("LakehouseTests", uses: ["Lakehouse", "Connecting", "DuckDB", "Kernel", "TestHouse"]),
        tests(
            "EmbeddedWarehouseTests",
            uses: [
                "EmbeddedWarehouse", "Warehousing", "Connecting", "Postgres", "DuckDB", "Kernel", "TestHouse",
                "WarehouseConformance",
            ]),
        tests(
            "PostgresConnectorTests",
            uses: ["PostgresConnector", "Connecting", "Lakehouse", "Postgres", "DuckDB", "Kernel", "TestHouse"]),
        tests("OutboundTests", uses: ["Outbound", "Kernel", "Peers"]),
        tests("OpenIDTests", uses: ["OpenID", "Outbound", "Kernel", "Peers", crypto, cryptoExtras]),
        tests("ObjectStorageTests", uses: ["ObjectStorage", "Outbound", "Kernel", "Peers", "ObjectStoreConformance"]),
        tests(
            "FuzzTests",
            uses: [
                "Kernel", "Roles", "Postgres", "Jobs", "Outbound", "ObjectStorage", "Lakehouse", "Modeling", "Serving",
                "API",
                "Console", "CommandLine", "Weirhouse",
            ]),
        // What tests share
        .target(
            name: "ObjectStoreConformance", dependencies: ["Kernel", "ObjectStorage"],
            path: "Tests/Kits/ObjectStoreConformance", swiftSettings: house),
        .target(
            name: "SecretStoreConformance", dependencies: ["Kernel", "Secrets"],
            path: "Tests/Kits/SecretStoreConformance", swiftSettings: house),
        .target(
            name: "Peers", path: "Tests/Kits/Peers", exclude: ["Scripts", "croniter_oracle.py"], swiftSettings: house),
        .target(
            name: "WireSamples", dependencies: ["Kernel", "Roles", "Wire"], path: "Tests/Kits/WireSamples",
            swiftSettings: house),
        .target(
            name: "TestHouse", dependencies: ["Kernel", "Postgres", "DuckDB", "Connecting"],
            path: "Tests/Kits/TestHouse", swiftSettings: house),
        .executableTarget(
            name: "ledgerworker", dependencies: ["Kernel", "Postgres", "Jobs"], path: "Tests/Kits/LedgerWorker",
            swiftSettings: house),
        .target(
            name: "WarehouseConformance", dependencies: ["Kernel", "Connecting", "Warehousing", "TestHouse"],
            path: "Tests/Kits/WarehouseConformance", swiftSettings: house),
    ]
)
