internal import CDuckDB

/// A logical type and what is needed to read its vectors, taken from DuckDB once per column.
final class DuckType {
    let library: DuckDBLibrary
    let kind: Kind
    /// `JSON` and other names that a type may carry.
    let alias: String?

    /// What a vector of the type holds.
    indirect enum Kind {
        case boolean
        case signed(bytes: Int)
        case unsigned(bytes: Int)
        case float
        case double
        case decimal(width: Int, scale: Int, bytes: Int)
        case text
        case blob
        case bit
        case uuid
        case bignum
        case date
        case time
        case timeNanoseconds
        case timeWithZone
        /// Ticks since 1970; `ticks` of them make a second.
        case timestamp(ticks: Int64, zoned: Bool)
        case interval
        case enumeration(bytes: Int, labels: [[UInt8]])
        case list(DuckType)
        case array(DuckType, size: Int)
        case structure([Field])
        case map(key: DuckType, value: DuckType)
        case union([Field])
        /// The type of a bare NULL.
        case nothing
        /// Read by casting to VARCHAR in SQL: VARIANT, GEOMETRY and what a later DuckDB may add.
        case opaque(id: Int)
    }

    struct Field {
        let name: String
        let type: DuckType
    }

    /// Takes the handle over and destroys it.
    init(library: DuckDBLibrary, handle: weir_handle?) {
        self.library = library
        let api = library.api
        var handle = handle
        defer { api.destroy_logical_type(&handle) }
        alias = DuckType.take(api.logical_type_get_alias(handle), library)
        kind = DuckType.kind(of: handle, library)
    }

    /// Whether a value of the type can be read from a vector.
    var isReadable: Bool {
        switch kind {
        case .opaque: false
        case .list(let child), .array(let child, _): child.isReadable
        case .map(let key, let value): key.isReadable && value.isReadable
        case .structure(let fields), .union(let fields): fields.allSatisfy { $0.type.isReadable }
        default: true
        }
    }

    /// Whether DuckDB prints a value of the type inside a list or struct as it is, without quotes.
    var isNested: Bool {
        switch kind {
        case .list, .array, .structure, .map, .union: true
        case .text: alias == "JSON"
        default: false
        }
    }

    private static func take(_ text: UnsafeMutablePointer<CChar>?, _ library: DuckDBLibrary) -> String? {
        guard let text else { return nil }
        defer { library.api.free(text) }
        return String(cString: text)
    }

    /// Numbers of `duckdb_type` in the C API.
    private static func kind(of handle: weir_handle?, _ library: DuckDBLibrary) -> Kind {
        let id = Int(library.api.get_type_id(handle))
        return switch id {
        case 1: .boolean
        case 2: .signed(bytes: 1)
        case 3: .signed(bytes: 2)
        case 4: .signed(bytes: 4)
        case 5: .signed(bytes: 8)
        case 6: .unsigned(bytes: 1)
        case 7: .unsigned(bytes: 2)
        case 8: .unsigned(bytes: 4)
        case 9: .unsigned(bytes: 8)
        case 10: .float
        case 11: .double
        case 12: .timestamp(ticks: 1_000_000, zoned: false)
        case 13: .date
        case 14: .time
        case 15: .interval
        case 16: .signed(bytes: 16)
        case 17: .text
        case 18: .blob
        case 20: .timestamp(ticks: 1, zoned: false)
        case 21: .timestamp(ticks: 1000, zoned: false)
        case 22: .timestamp(ticks: 1_000_000_000, zoned: false)
        case 27: .uuid
        case 29: .bit
        case 30: .timeWithZone
        case 31: .timestamp(ticks: 1_000_000, zoned: true)
        case 32: .unsigned(bytes: 16)
        case 35: .bignum
        case 36: .nothing
        case 39: .timeNanoseconds
        default: compound(id, handle, library)
        }
    }

    private static func compound(_ id: Int, _ handle: weir_handle?, _ library: DuckDBLibrary) -> Kind {
        let api = library.api
        func child(_ handle: weir_handle?) -> DuckType { DuckType(library: library, handle: handle) }
        switch id {
        case 19:
            return .decimal(
                width: Int(api.decimal_width(handle)), scale: Int(api.decimal_scale(handle)),
                bytes: bytes(ofInteger: Int(api.decimal_internal_type(handle))))
        case 23:
            let labels = (0..<weir_idx(api.enum_dictionary_size(handle))).map { index in
                Array((take(api.enum_dictionary_value(handle, index), library) ?? "").utf8)
            }
            return .enumeration(bytes: bytes(ofInteger: Int(api.enum_internal_type(handle))), labels: labels)
        case 24:
            return .list(child(api.list_type_child_type(handle)))
        case 25:
            return .structure(
                (0..<api.struct_type_child_count(handle)).map { index in
                    Field(
                        name: take(api.struct_type_child_name(handle, index), library) ?? "",
                        type: child(api.struct_type_child_type(handle, index)))
                })
        case 26:
            return .map(key: child(api.map_type_key_type(handle)), value: child(api.map_type_value_type(handle)))
        case 28:
            return .union(
                (0..<api.union_type_member_count(handle)).map { index in
                    Field(
                        name: take(api.union_type_member_name(handle, index), library) ?? "",
                        type: child(api.union_type_member_type(handle, index)))
                })
        case 33:
            return .array(child(api.array_type_child_type(handle)), size: Int(api.array_type_array_size(handle)))
        default:
            return .opaque(id: id)
        }
    }

    private static func bytes(ofInteger id: Int) -> Int {
        switch id {
        case 2, 6: 1
        case 3, 7: 2
        case 4, 8: 4
        case 16, 32: 16
        default: 8
        }
    }
}
