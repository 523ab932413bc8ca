/// libFuzzer's entry: what the SQL guard reads of DuckDB's answers about a query that a person wrote.
@_cdecl("LLVMFuzzerTestOneInput")
public func tryGuard(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    _ = try? SyntaxTree.parse(text)
    return 0
}
