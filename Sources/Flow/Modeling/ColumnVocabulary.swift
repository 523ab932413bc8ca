/// What a column's name says about its values, in the words that application databases use. Names come in snake_case;
/// long words are also found inside run-together names (`unitprice`).
enum ColumnVocabulary {
    enum Measure: String {
        /// Adding it up over rows means something: amounts, quantities.
        case sum
        /// A number per row whose mean says more: prices per unit, rates, scores.
        case average = "avg"
    }

    /// What a number adds up to; nil for identifiers, places, parts of dates and numbers of unknown kind.
    static func measure(_ name: String, isDecimal: Bool) -> Measure? {
        if isIdentifier(name) || has(name, words: ["lat", "lon", "lng", "x", "y", "z"] + calendar) { return nil }
        if has(name, parts: ["latitude", "longitude", "postal", "phone", "sequence", "version"]) { return nil }
        let adds =
            has(name, parts: additive) || has(name, words: additiveWords) || name.hasSuffix("count")
        if has(name, parts: ["total"]) { return .sum }
        if has(name, parts: averaged) || has(name, words: averagedWords) { return .average }
        return adds || isDecimal ? .sum : nil
    }

    /// Whether a sum of it is worth a chart before others.
    static func isMoney(_ name: String, isDecimal: Bool) -> Bool {
        isDecimal || has(name, parts: money) || has(name, words: ["paid", "fee", "fees", "net", "gross", "tax"])
    }

    static func isIdentifier(_ name: String) -> Bool {
        let last = name.split(separator: "_").last.map(String.init) ?? name
        if [
            "id", "no", "nr", "number", "code", "zip", "key", "hash", "rank", "index", "idx", "seq", "sort", "pin",
            "port",
        ]
        .contains(last) {
            return true
        }
        return last.hasSuffix("id")
            && !["paid", "unpaid", "prepaid", "bid", "void", "valid", "grid", "covid"].contains(last)
    }

    /// How likely it is that few different values make up most rows, from 0 (not at all).
    static func groupingRank(_ name: String) -> Int {
        if isIdentifier(name) || isPrivate(name) || isContact(name) { return 0 }
        if has(name, parts: ["status", "category", "channel", "segment", "country", "genre"]) { return 5 }
        if has(
            name, words: ["state", "type", "kind", "method", "currency", "plan", "tier", "event", "carrier", "reason"])
        {
            return 4
        }
        if has(
            name,
            parts: [
                "region", "language", "gender", "brand", "department", "device", "browser", "platform", "mediatype",
            ])
            || has(
                name, words: ["city", "level", "source", "medium", "os", "origin", "dest", "role", "priority", "grade"])
        {
            return 3
        }
        return has(name, parts: ["city"]) || has(name, words: ["name", "title", "label"]) ? 2 : 0
    }

    /// How well it describes a row to someone who looks at another table.
    static func descriptiveRank(_ name: String) -> Int {
        if isPrivate(name) || isIdentifier(name) { return 0 }
        if isContact(name) { return 1 }
        if has(name, words: ["name", "title", "label"]) { return 9 }
        if groupingRank(name) > 2 { return 7 }
        return has(name, parts: ["name"]) || groupingRank(name) > 0 ? 6 : 3
    }

    /// What nobody wants to see twice in a warehouse.
    static func isPrivate(_ name: String) -> Bool {
        has(name, parts: ["password", "passwd", "secret", "token", "apikey", "api_key", "encrypted", "digest"])
            || has(name, words: ["hash", "salt", "ssn", "iban", "cvv"])
    }

    private static func isContact(_ name: String) -> Bool {
        has(
            name,
            parts: ["address", "street", "phone", "email", "postal", "mobile", "latitude", "longitude", "comment"])
            || has(name, words: ["fax", "zip", "lat", "lon", "lng", "ip", "note", "notes", "url"])
    }

    /// How well a date or timestamp tells when the row's event happened; nil if it says else (a change, a birth).
    static func momentRank(_ name: String, table: String) -> Int? {
        let other = ["updat", "modif", "delet", "birth", "expir", "archiv", "synced", "lastlogin", "changed"]
        if has(name, parts: other) || has(name, words: ["dob", "last", "valid", "until"]) { return nil }
        if has(
            name, parts: ["deadline", "finish", "return", "complet", "arriv", "cancel", "closed", "shipp", "deliver"])
            || has(name, words: ["end", "ended", "due", "ends"])
        {
            return 0
        }
        if name.hasPrefix(table) || has(name, parts: happening) { return 4 }
        if has(name, parts: ["creat", "insert", "added", "regist", "signup"]) { return 3 }
        return 2
    }

    private static func has(_ name: String, parts: [String]) -> Bool { parts.contains(where: name.contains) }

    private static func has(_ name: String, words: [String]) -> Bool {
        name.split(separator: "_").contains { word in words.contains { $0 == word } }
    }

    private static let calendar = ["year", "month", "day", "week", "weekday", "quarter", "hour", "minute", "second"]
    private static let money = [
        "amount", "total", "revenue", "income", "cost", "price", "payment", "refund", "discount", "profit", "sales",
        "spend", "spent", "cents", "turnover",
    ]
    private static let additive =
        money + [
            "quantity", "credit", "debit", "bytes", "distance", "duration", "seconds", "minutes", "clicks", "views",
            "impressions", "visits", "downloads", "points", "units", "passengers", "seats",
        ]
    private static let additiveWords = [
        "qty", "sum", "fee", "fees", "tax", "vat", "net", "gross", "paid", "size", "hours", "miles", "precip",
        "donation",
    ]
    private static let averaged = [
        "price", "percent", "ratio", "score", "rating", "average", "temperature", "humidity", "latency", "delay",
        "balance", "margin", "height", "weight", "speed", "pressure", "visib",
    ]
    private static let averagedWords = ["rate", "pct", "avg", "mean", "age", "temp", "dewp", "gust", "bmi"]
    private static let happening = [
        "occur", "event", "order", "invoice", "purchase", "sale", "sold", "paid", "payment", "refund", "book", "placed",
        "rental", "transact", "happen", "request", "start", "visit", "sent", "posted", "depart", "time_hour",
    ]
}
