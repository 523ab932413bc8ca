import Foundation
import Testing

/// One parser of what comes from outside, and what has to hold whatever it is given.
struct Trial: Sendable, CustomTestStringConvertible {
    let name: String
    /// What it understands; inputs are made of these.
    let samples: [String]
    /// Throws `Broken` if something does not hold. Any other error is the parser's own refusal.
    let check: @Sendable ([UInt8]) throws -> Void

    var testDescription: String { name }

    /// For parsers of texts: what is no UTF-8 becomes replacement characters, as everywhere.
    static func text(_ name: String, _ samples: [String], _ check: @escaping @Sendable (String) throws -> Void) -> Trial
    {
        Trial(name: name, samples: samples) { try check(String(decoding: $0, as: UTF8.self)) }
    }
}

/// Something that must hold does not.
struct Broken: Error {
    let what: String
}

/// - Throws: `Broken`.
func hold(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    guard condition else { throw Broken(what: what()) }
}

/// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014): the same inputs for the
/// same seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Makes inputs: valid ones that were changed a little or much, and bytes without any sense.
struct InputMaker {
    private static let words: [String] = [
        "", "\0", "%", "%%", "%0", "%00", "%FF", "%2F%2e", "+", "-", "--", "-1", "0", "00", "9223372036854775807",
        "9223372036854775808", "18446744073709551616", "1e999", "NaN", " ", "\t", "\r\n", "\n\n", "\u{FEFF}", "é",
        "e\u{301}",
        "ß", "İ", "😀", "\u{200D}", "\u{202E}", "\u{FFFD}", "٣", "'", "\"", "\\", "\\\\", "//", "/../", ":", "::", "@",
        "@@",
        "[", "]", "{", "}", "<", ">", "<![CDATA[", "<!DOCTYPE a [<!ENTITY b \"c\">]>", "&amp;", "&#0;", "*", "*/0", "#",
        "~",
        ",", ",,", ";", "=", "==", "&", "?", "$$", "$(x)", "`", "|", "null", "true",
    ]
    private static let longest = 4096

    private let samples: [[UInt8]]
    private var random: Seeded

    init(samples: [String], seed: UInt64) {
        self.samples = samples.map { Array($0.utf8) }
        random = Seeded(seed: seed)
    }

    mutating func next() -> [UInt8] {
        guard let sample = samples.randomElement(using: &random), Int.random(in: 0..<20, using: &random) > 0 else {
            return (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        var input = sample
        for _ in 0..<[1, 1, 1, 2, 3, 8, 40][Int.random(in: 0..<7, using: &random)] { change(&input) }
        return Array(input.prefix(Self.longest))
    }

    private mutating func change(_ input: inout [UInt8]) {
        let place = Int.random(in: 0...input.count, using: &random)
        let end = min(input.count, place + Int.random(in: 0...8, using: &random))
        switch Int.random(in: 0..<8, using: &random) {
        case 0: input.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 1 where place < input.count: input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: input.removeSubrange(place..<end)
        case 3: input.insert(contentsOf: Array(input[place..<end]), at: place)
        case 4: input.insert(contentsOf: (Self.words.randomElement(using: &random) ?? "").utf8, at: place)
        case 5: input.replaceSubrange(place..<end, with: (Self.words.randomElement(using: &random) ?? "").utf8)
        case 6:
            let other = samples.randomElement(using: &random) ?? []
            input.replaceSubrange(place..., with: other.suffix(Int.random(in: 0...other.count, using: &random)))
        default:
            // Much of the same: what grows faster than its input shows.
            let piece = Array(input[place..<end])
            for _ in 0..<Int.random(in: 1...200, using: &random) where input.count < Self.longest {
                input.insert(contentsOf: piece, at: min(place, input.count))
            }
        }
    }
}

/// The input that is being tried stands in a file, so that one that ends the process is known.
final class CurrentInput {
    let path: String
    private let descriptor: Int32

    init(of name: String) throws {
        let folder = ProcessInfo.processInfo.environment["WEIR_FUZZ_FOLDER"] ?? NSTemporaryDirectory() + "/weir-fuzz"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        path = "\(folder)/\(name.replacing(" ", with: "-"))"
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
    }

    func write(_ input: [UInt8]) {
        _ = input.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        ftruncate(descriptor, off_t(input.count))
    }

    func done() {
        close(descriptor)
        unlink(path)
    }
}

enum FuzzSettings {
    /// For all parsers together: seconds.
    static let seconds = Double(ProcessInfo.processInfo.environment["WEIR_FUZZ_SECONDS"] ?? "") ?? 25
    static let seed = UInt64(ProcessInfo.processInfo.environment["WEIR_FUZZ_SEED"] ?? "") ?? 20_261_125
    /// Of processor time for one input of at most 4 KB, in a build without optimization.
    static let most = 1.0
}

/// Tries one parser until its share of the time is over.
/// - Returns: how many inputs it was given, and what did not hold.
func fuzz(_ trial: Trial, seconds: Double) throws -> (inputs: Int, broken: [String]) {
    var maker = InputMaker(samples: trial.samples, seed: FuzzSettings.seed)
    let current = try CurrentInput(of: trial.name)
    let deadline = ContinuousClock.now + .seconds(seconds)
    var (inputs, broken): (Int, [String]) = (0, [])
    for sample in trial.samples { attempt(trial, Array(sample.utf8), current, &broken) }
    while ContinuousClock.now < deadline, broken.count < 5 {
        for _ in 0..<50 { attempt(trial, maker.next(), current, &broken) }
        inputs += 50
    }
    current.done()
    return (inputs, broken)
}

private func attempt(_ trial: Trial, _ input: [UInt8], _ current: CurrentInput, _ broken: inout [String]) {
    current.write(input)
    let began = processorSeconds()
    do {
        try trial.check(input)
    } catch let problem as Broken {
        broken.append("\(problem.what): \(String(reflecting: String(decoding: input, as: UTF8.self)))")
    } catch {
        // It refused.
    }
    let taken = processorSeconds() - began
    if taken > FuzzSettings.most {
        broken.append("took \(taken) s: \(String(reflecting: String(decoding: input.prefix(300), as: UTF8.self)))")
    }
}

/// Of this thread.
private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
