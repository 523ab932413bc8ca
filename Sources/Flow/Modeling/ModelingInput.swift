package import Connecting

/// All that the models of one warehouse are generated from: what landed in its RAW schema.
package struct ModelingInput: Sendable, Codable, Hashable {
    /// The organization's slug, `acme`, and its environment, `dev`.
    package var organization: String
    package var environment: String
    /// The database that holds the schemas, `lake`.
    package var database: String
    /// In the order in which they were first cloned: of two marts that want one name, the earlier keeps it.
    package var sources: [LandedSource]

    package init(organization: String, environment: String, database: String, sources: [LandedSource]) {
        self.organization = organization
        self.environment = environment
        self.database = database
        self.sources = sources
    }

    /// The dbt project's name, also that of its folder: `acme_dev`.
    package var project: String { "\(organization)_\(environment)" }
}

/// The streams of one source that stand in RAW.
package struct LandedSource: Sendable, Codable, Hashable {
    /// The source's slug: the first part of its tables' names in RAW.
    package var slug: String
    package var streams: [LandedStream]

    package init(slug: String, streams: [LandedStream]) {
        self.slug = slug
        self.streams = streams
    }
}

/// One text file of a dbt project.
package struct ProjectFile: Sendable, Codable, Hashable {
    /// Relative to the project's folder, with `/`.
    package var path: String
    /// UTF-8, ends with a line feed.
    package var text: String

    package init(path: String, text: String) {
        self.path = path
        self.text = text
    }
}
