internal import CDuckDB

/// What `COPY … TO (RETURN_STATS)` says of the one file it wrote.
package struct CopyStatistics: Sendable {
    package var rows: Int64
    package var bytes: Int64
    package var footerBytes: Int64
    /// By column name: `column_size_bytes`, `null_count`, `min`, `max`, `has_nan` as text, each if known.
    package var columns: [String: [String: String]]
}

extension DuckSession {
    /// Runs a `COPY … TO` with `RETURN_STATS true` that writes one file.
    /// - Throws: `DuckError`.
    package func copy(_ sql: String) throws -> CopyStatistics {
        var result = weir_result()
        guard api.query(handle, sql, &result) == 0 else {
            defer { api.destroy_result(&result) }
            let message = api.result_error(&result).map { String(cString: $0) } ?? "no reason given"
            throw DuckError(kind: Int(api.result_error_type(&result)), message: message)
        }
        defer { api.destroy_result(&result) }
        var chunk = api.fetch_chunk(result)
        guard chunk != nil else { throw DuckError(kind: 0, message: "COPY gave no statistics.") }
        defer { api.destroy_data_chunk(&chunk) }
        // filename, count, file_size_bytes, footer_size_bytes, column_statistics, partition_keys
        return CopyStatistics(
            rows: unsigned(chunk, 1), bytes: unsigned(chunk, 2), footerBytes: unsigned(chunk, 3),
            columns: statistics(in: api.data_chunk_get_vector(chunk, 4)))
    }

    private func unsigned(_ chunk: weir_handle?, _ column: weir_idx) -> Int64 {
        let data = api.vector_get_data(api.data_chunk_get_vector(chunk, column))
        return data.map { Int64($0.load(as: UInt64.self)) } ?? 0
    }

    /// `MAP(VARCHAR, MAP(VARCHAR, VARCHAR))`: a map is a list of structs of key and value.
    private func statistics(in map: weir_handle?) -> [String: [String: String]] {
        let (keys, values, all) = entries(of: map, at: 0)
        var found: [String: [String: String]] = [:]
        for index in all {
            let (names, texts, inner) = entries(of: values, at: index)
            var column: [String: String] = [:]
            for entry in inner { column[text(names, entry)] = text(texts, entry) }
            found[text(keys, index)] = column
        }
        return found
    }

    private func entries(of map: weir_handle?, at row: Int) -> (keys: weir_handle?, values: weir_handle?, Range<Int>) {
        let pair = api.list_vector_get_child(map)
        let entry = api.vector_get_data(map)?.load(
            fromByteOffset: row * MemoryLayout<weir_list_entry>.stride, as: weir_list_entry.self)
        let start = Int(entry?.offset ?? 0)
        return (
            api.struct_vector_get_child(pair, 0), api.struct_vector_get_child(pair, 1),
            start..<start + Int(entry?.length ?? 0)
        )
    }

    private func text(_ vector: weir_handle?, _ row: Int) -> String {
        guard let data = api.vector_get_data(vector) else { return "" }
        let entry = data.advanced(by: row * 16)
        let length = Int(entry.load(as: UInt32.self))
        let start =
            length <= 12
            ? UnsafeRawPointer(entry.advanced(by: 4))
            : UnsafeRawPointer(entry.load(fromByteOffset: 8, as: UnsafeMutableRawPointer.self))
        return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }
}
