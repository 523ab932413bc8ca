import Foundation
import Kernel

/// What starts the runs of a schedule.
///
/// As JSON: `{"kind":"every","minutes":360}`, `{"kind":"cron","expression":"0 6 * * *","time_zone":"Europe/Berlin"}`,
/// `{"kind":"file","location":"s3://lake/landing/shop"}`, `{"kind":"after","source":"shop"}`.
package enum ScheduleTrigger: Sendable, Hashable {
    /// At a fixed interval of 5 minutes to 8,760 hours.
    case every(minutes: Int)
    /// By the clock on the wall of a time zone of the IANA database.
    case cron(expression: String, timeZone: String)
    /// When a `_SUCCESS` marker arrives below a folder of the lake's raw zone or a prefix `s3://bucket/…`.
    case file(location: String)
    /// When a run of another source has succeeded.
    case after(source: String)

    package static func every(hours: Int) -> ScheduleTrigger {
        // An absurd number stays one, for check() to refuse.
        .every(minutes: hours.multipliedReportingOverflow(by: 60).overflow ? Int.max : hours * 60)
    }

    /// Intervals that are taken, in minutes.
    package static let intervals = 5...(8760 * 60)

    /// Throws `invalid_input` with the reason, in one line, if no schedule can have this trigger.
    package func check() throws {
        switch self {
        case .every(let minutes):
            guard Self.intervals.contains(minutes) else {
                throw Problem(
                    .invalidInput, "An interval of \(minutes) minutes is out of range.",
                    hint: "It takes 5 minutes to 8,760 hours (525,600 minutes).")
            }
        case .cron(let expression, let timeZone):
            _ = try CronExpression(expression)
            _ = try Self.zone(timeZone)
        case .file(let location): try Self.checkLocation(location)
        case .after(let source):
            guard Slug.isValid(source) else {
                throw Problem(
                    .invalidInput, "'\(CronText.shown(source[...]))' cannot be a source's name.",
                    hint: "Names are lower-case letters, digits and _, led by a letter.")
            }
        }
    }

    /// The zone of an IANA name: UTC, or an area and a place. `EST` or `GMT+2`, which Foundation would take too, are
    /// refused: whoever writes them seldom knows that they have no summer time.
    static func zone(_ name: String) throws -> TimeZone {
        guard name == "UTC" || name.contains("/"), let zone = TimeZone(identifier: name) else {
            throw Problem(
                .invalidInput, "There is no time zone '\(CronText.shown(name[...]))'.",
                hint: "Use a name of the IANA database, such as Europe/Berlin or UTC.")
        }
        return zone
    }

    private static func checkLocation(_ location: String) throws {
        let path = location.hasPrefix("s3://") ? String(location.dropFirst(5)) : location
        let isRooted =
            location.hasPrefix("s3://")
            ? !path.hasPrefix("/") && !path.isEmpty : path.hasPrefix("/") || path.hasPrefix("raw/")
        guard isRooted else {
            throw Problem(
                .invalidInput, "'\(CronText.shown(location[...]))' is not a place where a marker may arrive.",
                hint: "Write a folder of the lake, such as raw/clients/acme/landing, or s3://bucket/prefix.")
        }
        let isPlain = path.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard location.utf8.count <= 1024, isPlain, !path.split(separator: "/").contains("..") else {
            throw Problem(
                .invalidInput, "The place '\(CronText.shown(location[...]))' cannot be watched.",
                hint: "It may hold no '..', no control characters and at most 1,024 bytes.")
        }
    }

    /// A reading in plain English: "every 6 hours", "At 06:00 (Europe/Berlin)". An expression that cannot be read is shown
    /// as it is.
    package var words: String {
        switch self {
        case .every(let minutes): Self.interval(minutes)
        case .cron(let expression, let timeZone):
            "\((try? CronExpression(expression))?.words ?? expression) (\(timeZone))"
        case .file(let location): "when a _SUCCESS marker arrives under \(location)"
        case .after(let source): "after \(source) has succeeded"
        }
    }

    private static func interval(_ minutes: Int) -> String {
        let (number, unit) =
            switch minutes {
            case _ where minutes % 1440 == 0: (minutes / 1440, "day")
            case _ where minutes % 60 == 0: (minutes / 60, "hour")
            default: (minutes, "minute")
            }
        return number == 1 ? "every \(unit)" : "every \(number) \(unit)s"
    }
}

extension ScheduleTrigger: Codable {
    private enum Key: String, CodingKey {
        case kind
        case minutes
        case expression
        case timeZone = "time_zone"
        case location
        case source
    }

    private enum Kind: String, CaseIterable {
        case every
        case cron
        case file
        case after
    }

    /// Throws `invalid_input` when the kind is unknown or what it needs is missing; `check()` looks at the values.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func value<Value: Decodable>(_ key: Key, _ what: String) throws -> Value {
            do {
                return try container.decode(Value.self, forKey: key)
            } catch {
                throw Problem(.invalidInput, "The schedule's trigger needs '\(key.rawValue)', \(what).", cause: error)
            }
        }
        let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        let name: String = try value(.kind, "one of \(kinds)")
        guard let kind = Kind(rawValue: name) else {
            throw Problem(
                .invalidInput, "There is no trigger of the kind '\(CronText.shown(name[...]))'.",
                hint: "The kinds are \(kinds).")
        }
        self =
            switch kind {
            case .every: .every(minutes: try value(.minutes, "a whole number"))
            case .cron:
                .cron(
                    expression: try value(.expression, "a cron expression"),
                    timeZone: try value(.timeZone, "a time zone's name"))
            case .file: .file(location: try value(.location, "a folder or s3://bucket/prefix"))
            case .after: .after(source: try value(.source, "a source's name"))
            }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .every(let minutes):
            try container.encode(Kind.every.rawValue, forKey: .kind)
            try container.encode(minutes, forKey: .minutes)
        case .cron(let expression, let timeZone):
            try container.encode(Kind.cron.rawValue, forKey: .kind)
            try container.encode(expression, forKey: .expression)
            try container.encode(timeZone, forKey: .timeZone)
        case .file(let location):
            try container.encode(Kind.file.rawValue, forKey: .kind)
            try container.encode(location, forKey: .location)
        case .after(let source):
            try container.encode(Kind.after.rawValue, forKey: .kind)
            try container.encode(source, forKey: .source)
        }
    }
}
