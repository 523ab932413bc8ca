package import Kernel

/// A store whose secrets were in another one before: each moves when it is first asked for, so that nothing that was
/// kept there is lost or made anew.
package struct MovingSecretStore: SecretStore {
    private let store: any SecretStore
    private let former: any SecretStore

    package init(to store: any SecretStore, from former: any SecretStore) {
        self.store = store
        self.former = former
    }

    package var place: String { store.place }

    package func get(_ name: String, of organization: OrganizationID) async throws -> Secret<[UInt8]>? {
        if let found = try await store.get(name, of: organization) { return found }
        if let moved = try await move(name, of: organization) { return moved }
        // Another request may have moved it in between.
        return try await store.get(name, of: organization)
    }

    @discardableResult
    package func put(
        _ value: Secret<[UInt8]>, named name: String, of organization: OrganizationID
    ) async throws -> Int {
        let version = try await store.put(value, named: name, of: organization)
        try await former.delete(name, of: organization)
        return version
    }

    package func ensure(
        named name: String, of organization: OrganizationID, make: @Sendable () -> Secret<[UInt8]>
    ) async throws -> Secret<[UInt8]> {
        if let found = try await get(name, of: organization) { return found }
        return try await store.ensure(named: name, of: organization, make: make)
    }

    @discardableResult
    package func delete(_ name: String, of organization: OrganizationID) async throws -> Bool {
        // The former first: else the secret would come back from there.
        let wasThere = try await former.delete(name, of: organization)
        return try await store.delete(name, of: organization) || wasThere
    }

    package func list(of organization: OrganizationID) async throws -> [SecretEntry] {
        let entries = try await store.list(of: organization)
        let moved = Set(entries.map(\.name))
        let waiting = try await former.list(of: organization).filter { !moved.contains($0.name) }
        return (entries + waiting).sorted { $0.name < $1.name }
    }

    package func checkHealth() async throws { try await store.checkHealth() }

    private func move(_ name: String, of organization: OrganizationID) async throws -> Secret<[UInt8]>? {
        guard let value = try await former.get(name, of: organization) else { return nil }
        let stands = try await store.ensure(named: name, of: organization) { value }
        try await former.delete(name, of: organization)
        return stands
    }
}
