import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Mustache
import Roles
import Wire

/// The templates, and how a view becomes a page.
struct Pages: Sendable {
    private let library: MustacheLibrary
    private let addresses: AssetAddresses

    /// - Parameter templates: the folder of `*.mustache`.
    /// - Throws: `internal` if a template cannot be read.
    init(templates: String, addresses: AssetAddresses) throws {
        self.addresses = addresses
        Markup.register()
        do {
            var library = MustacheLibrary()
            for file in try FileManager.default.contentsOfDirectory(atPath: templates) where file.hasSuffix(".mustache")
            {
                let text = try String(contentsOfFile: "\(templates)/\(file)", encoding: .utf8)
                try library.register(Markup.pragma + text, named: String(file.dropLast(".mustache".count)))
            }
            self.library = library
        } catch {
            throw Problem(
                .internal, "The console's templates cannot be read.", hint: "Install Weirhouse again.", cause: error)
        }
    }

    /// A piece of a page.
    func render(_ template: String, _ view: Any) -> String {
        library.render(view, withTemplate: template) ?? ""
    }

    /// A whole page. `visit` is nil for people who are not signed in: they get no navigation.
    func page(
        _ template: String, _ view: Any, _ heading: Heading, visit: Visit?, status: HTTPResponse.Status = .ok
    ) -> Response {
        .html(text(template, view, heading, visit: visit), status: status)
    }

    func text(_ template: String, _ view: Any, _ heading: Heading, visit: Visit?) -> String {
        let frame = Frame(
            title: heading.title, assets: addresses, navigation: visit.map { Navigation(at: heading.section, of: $0) },
            needsHtmx: heading.needsHtmx, needsCharts: heading.needsCharts, refreshSeconds: heading.refreshSeconds,
            body: render(template, view))
        return render("layout", frame)
    }
}

/// What the frame needs to know of a page.
struct Heading: Sendable {
    let title: String
    let section: Section
    /// Scripts that only some pages load.
    let needsHtmx: Bool
    let needsCharts: Bool
    /// Without JavaScript the page loads itself again after so many seconds.
    let refreshSeconds: Int?

    init(
        _ title: String, _ section: Section, needsHtmx: Bool = false, needsCharts: Bool = false,
        refreshSeconds: Int? = nil
    ) {
        self.title = title
        self.section = section
        self.needsHtmx = needsHtmx
        self.needsCharts = needsCharts
        self.refreshSeconds = refreshSeconds
    }
}

enum Section: Sendable {
    case home
    case newSource
    case runs
    case tables
    case query
    case dashboards
    case schedules
    case workers
    case notifications
    case secrets
    case audit
    case people
    case roles
    case issuers
    case organization
    case tokens
    case account
    case none
}

/// What every page has round its content.
private struct Frame {
    let title: String
    let assets: AssetAddresses
    let navigation: Navigation?
    let needsHtmx: Bool
    let needsCharts: Bool
    let refreshSeconds: Int?
    let body: String
}

private struct Navigation {
    let organization: String
    let person: String
    let atHome: Bool
    let atNewSource: Bool
    let atRuns: Bool
    let atTables: Bool
    let atQuery: Bool
    let atDashboards: Bool
    let atSchedules: Bool
    let atWorkers: Bool
    let atNotifications: Bool
    let atSecrets: Bool
    let atAudit: Bool
    let atPeople: Bool
    let atRoles: Bool
    let atIssuers: Bool
    let atOrganization: Bool
    /// Whether there is another organization to go to.
    let isElsewhereToo: Bool
    let atTokens: Bool
    let atAccount: Bool
    /// Only what may be opened is shown.
    let may: MayOpen

    init(at section: Section, of visit: Visit) {
        organization = visit.caller.slug
        person = visit.caller.display
        atHome = section == .home
        atNewSource = section == .newSource
        atRuns = section == .runs
        atTables = section == .tables
        atQuery = section == .query
        atDashboards = section == .dashboards
        atSchedules = section == .schedules
        atWorkers = section == .workers
        atNotifications = section == .notifications
        atSecrets = section == .secrets
        atAudit = section == .audit
        atPeople = section == .people
        atRoles = section == .roles
        atIssuers = section == .issuers
        atOrganization = section == .organization
        isElsewhereToo = visit.caller.belongsElsewhere
        atTokens = section == .tokens
        atAccount = section == .account
        may = MayOpen(visit.caller)
    }
}

/// What a person may open, for navigation and links.
struct MayOpen: Sendable {
    let dashboards: Bool
    let data: Bool
    let runs: Bool
    let schedules: Bool
    let workers: Bool
    let notifications: Bool
    let newSource: Bool
    let secrets: Bool
    let audit: Bool
    let people: Bool
    let issuers: Bool
    let organization: Bool
    /// One's own tokens and account.
    let account: Bool
    /// Any of what stands under "Running it".
    let running: Bool

    init(_ caller: Caller) {
        func somewhere(_ permission: Permission) -> Bool {
            caller.closed == nil && caller.rights.maySomewhere(permission)
        }
        dashboards = somewhere(.dashboardsRead)
        data = somewhere(.dataRead)
        runs = somewhere(.runsRead)
        schedules = somewhere(.schedulesRead)
        workers = somewhere(.workforceRead)
        notifications = somewhere(.notificationsRead)
        newSource = somewhere(.sourcesManage)
        secrets = somewhere(.secretsRead)
        audit = caller.may(.auditRead)
        people = somewhere(.membersRead)
        issuers = somewhere(.signInManage)
        // Also while it is closed: its owners open it there.
        organization = caller.may(.organizationRead)
        account = caller.may(.accountManage)
        running = runs || schedules || workers || notifications
    }
}
