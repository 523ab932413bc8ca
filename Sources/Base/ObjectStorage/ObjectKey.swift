import Kernel

/// Keys that a folder and a bucket can both hold.
package enum ObjectKey {
    /// What begins with it is not yet an object.
    static let unfinished = ".weir-"

    /// 1 to 1,024 bytes; parts between slashes have 1 to 255 and are neither `.` nor `..`; no NUL.
    /// - Throws: `invalidInput`.
    static func check(_ key: String) throws(Problem) {
        let parts = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isUsable =
            key.utf8.count <= 1024 && !key.utf8.contains(0)
            && parts.allSatisfy { part in
                (1...255).contains(part.count) && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
                    && !part.starts(with: unfinished.utf8)
            }
        guard isUsable else {
            throw Problem(
                .invalidInput, "'\(key.prefix(80))' cannot be the key of an object.",
                hint: "Keys look like folder/name, without empty parts, . and ..")
        }
    }
}

extension String {
    /// By bytes: Swift's own comparison holds two spellings of one letter to be equal.
    func precedesInBytes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }

    func beginsInBytes(with prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
}
