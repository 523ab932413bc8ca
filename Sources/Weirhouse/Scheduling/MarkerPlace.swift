import Foundation
import Jobs
import Kernel
import Lakehouse
import ObjectStorage
import Outbound
import Secrets
import Wire

/// Where `_SUCCESS` markers arrive: the organization's part of the lake's raw zone, or a bucket. Whoever lands files puts
/// the marker beside them when they are whole.
struct MarkerPlace: Sendable {
    static let marker = "_SUCCESS"
    /// More markers than this below one location are no location to watch.
    private static let most = 50_000
    /// Nor are more objects, or more pages of a bucket's listing, whose owner may be anybody and may never end it.
    private static let mostObjects = 1_000_000
    private static let mostPages = 1000
    /// In bytes, as in S3.
    private static let longestKey = 1024

    let house: House

    /// The markers below a schedule's location now.
    /// - Throws: as `ObjectStore.list`; `forbidden` for a folder that is not the organization's.
    func marks(of schedule: Schedule) async throws -> [ScheduleMark] {
        guard case .file(let location) = schedule.plan.trigger else { return [] }
        let slug = try await house.slug(of: schedule.organization)
        return try await marks(at: location, for: schedule.name, of: schedule.organization, slug: slug)
    }

    /// The same before a schedule is kept; credentials that are given are kept with it.
    /// - Throws: also `invalidInput` for a bucket without an access key; `timedOut`.
    func firstLook(
        at location: String, with credentials: BucketCredentials?, for name: String, of organization: OrganizationID,
        slug: String, by person: String
    ) async throws -> [ScheduleMark] {
        guard let credentials else {
            return try await ScheduleMark.found(at: location) {
                try await marks(at: location, for: name, of: organization, slug: slug)
            }
        }
        let bucket = try bucket(location, credentials)
        let found = try await ScheduleMark.found(at: location) { try await marks(in: bucket, below: "") }
        try await SecretKeeper(house: house).keep(
            Secret(Array(try WireJSON.encode(credentials))), named: Self.secretName(of: name), of: organization,
            by: person)
        return found
    }

    static func secretName(of schedule: String) -> String { "schedule/\(schedule)/bucket" }

    // MARK: -

    private func marks(
        at location: String, for name: String, of organization: OrganizationID, slug: String
    ) async throws -> [ScheduleMark] {
        guard location.hasPrefix("s3://") else {
            let folder = try ownFolder(location, slug)
            return try await marks(in: FolderStore(folder.root), below: folder.prefix)
        }
        guard let stored = try await house.secrets.get(Self.secretName(of: name), of: organization) else {
            throw Problem(
                .invalidInput, "The bucket's access key is missing.",
                hint: "Give one that may list it: access_key_id and secret_access_key.")
        }
        let credentials = try WireJSON.decode(BucketCredentials.self, from: Data(stored.reveal()))
        return try await marks(in: try bucket(location, credentials), below: "")
    }

    private func bucket(_ location: String, _ credentials: BucketCredentials) throws -> any ObjectStore {
        guard case .s3(let place) = try ObjectLocation(location) else {
            throw Problem(.invalidInput, "An access key is for a bucket.", hint: "Leave it out for a folder.")
        }
        let key = AWSCredentials(
            accessKeyID: credentials.accessKeyID, secretAccessKey: Secret(credentials.secretAccessKey),
            sessionToken: credentials.sessionToken.map { Secret($0) })
        return S3Store(
            place, credentials: key, http: house.messenger.http, time: house.time, mostPages: Self.mostPages)
    }

    /// `raw/clients/{slug}/…` of the lake, whole or from its root; the rest of the disk, and others' parts, are nobody's.
    private func ownFolder(_ location: String, _ slug: String) throws -> (root: String, prefix: String) {
        let lake = house.layout.root
        let own = "raw/clients/\(slug)"
        let path = location.hasPrefix("\(lake)/") ? String(location.dropFirst(lake.count + 1)) : location
        let parts = path.split(separator: "/").map(String.init)
        guard !path.hasPrefix("/"), Array(parts.prefix(3)) == own.split(separator: "/").map(String.init) else {
            throw Problem(
                .forbidden, "Only folders below \(own) can be watched.",
                hint: "Land the files there, or in a bucket (s3://bucket/prefix).")
        }
        let rest = parts.dropFirst(3).joined(separator: "/")
        return ("\(lake)/\(own)", rest.isEmpty ? "" : "\(rest)/")
    }

    private func marks(in store: any ObjectStore, below prefix: String) async throws -> [ScheduleMark] {
        var found: [ScheduleMark] = []
        var seen = 0
        do {
            for try await object in store.list(prefix: prefix) {
                seen += 1
                guard seen <= Self.mostObjects else {
                    throw Problem(
                        .unsupported, "There are more than \(Self.mostObjects) files below \(store.place).",
                        hint: "Name a narrower prefix, or remove old files.")
                }
                guard object.key.split(separator: "/").last == Self.marker[...], Self.isPlain(object.key) else {
                    continue
                }
                found.append(ScheduleMark(key: object.key, writtenAt: object.modifiedAt))
                guard found.count <= Self.most else {
                    throw Problem(
                        .unsupported, "There are more than \(Self.most) markers below \(store.place).",
                        hint: "Watch a narrower prefix, or remove old markers.")
                }
            }
        } catch let problem as Problem where problem.code == .sourceMissing && store is FolderStore {
            // Nobody has landed anything there yet.
            return []
        }
        return found
    }

    /// Whether a key can be remembered. Buckets and folders may hold others, which start nothing.
    private static func isPlain(_ key: String) -> Bool { key.utf8.count <= longestKey && !key.utf8.contains(0) }
}
