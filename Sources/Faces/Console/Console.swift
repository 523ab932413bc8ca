package import Hummingbird
package import Kernel
package import Wire

/// The pages of Weirhouse: every answer is asked of `Operations`, every page is rendered on the server from a template
/// and works without JavaScript, which only adds live progress and charts.
package struct Console: Sendable {
    let operations: any Operations
    let pages: Pages
    let assets: Assets
    let attempts: AttemptLimits
    let time: TimeSource
    let observe: Observe
    /// Nil keeps nothing.
    let ready: ReadyAnswers<ReadyPage>?

    /// - Parameters:
    ///   - assetsFolder: holds `htmx.min.js` and `echarts.min.js`, and may hold them compressed as `*.gz`.
    ///   - attempts: of sign-ins, counted together with those of the API.
    ///   - changes: those that `operations` make and hear of; without them no page is kept for the next who asks.
    ///   - freshness: how long a page is kept; tests take their time.
    ///   - observe: hears of every request that fails inside Weirhouse.
    /// - Throws: `missingDependency` if an asset is not there, `internal` if a template is broken.
    package init(
        operations: any Operations, assetsFolder: String, attempts: AttemptLimits = AttemptLimits(),
        time: TimeSource = .system, changes: ChangeCounts? = nil, freshness: Duration = .seconds(1),
        observe: @escaping Observe = { _ in }
    ) throws {
        let resources = try Resources.folder()
        self.operations = operations
        self.attempts = attempts
        self.time = time
        self.observe = observe
        ready = changes.map { ReadyAnswers($0, freshness: freshness) { $0.size } }
        assets = try Assets(own: resources, others: assetsFolder)
        pages = try Pages(templates: "\(resources)/templates", addresses: assets.addresses)
    }

    /// Adds all pages, and a page for addresses that do not exist; paths under `/api/` are left to the API.
    package func addRoutes<Context: RequestContext>(to router: Router<Context>) {
        addRoutes(to: router, noting: RouteBook())
    }

    func addRoutes<Context: RequestContext>(to router: Router<Context>, noting book: RouteBook) {
        let group = router.group()
        group.add(middleware: Doorkeeper<Context>(console: self))
        let entrance = Entrance(group: group, console: self, book: book)
        assets.addRoutes(to: entrance)
        SignInArea(console: self).addRoutes(to: entrance)
        ProviderSignInArea(console: self).addRoutes(to: entrance)
        HomeArea(console: self).addRoutes(to: entrance)
        NewSourceArea(console: self).addRoutes(to: entrance)
        RunsArea(console: self).addRoutes(to: entrance)
        SchedulesArea(console: self).addRoutes(to: entrance)
        WorkersArea(console: self).addRoutes(to: entrance)
        NotificationsArea(console: self).addRoutes(to: entrance)
        SecretsArea(console: self).addRoutes(to: entrance)
        AuditArea(console: self).addRoutes(to: entrance)
        TablesArea(console: self).addRoutes(to: entrance)
        QueryArea(console: self).addRoutes(to: entrance)
        DashboardsArea(console: self).addRoutes(to: entrance)
        PeopleArea(console: self).addRoutes(to: entrance)
        RolesArea(console: self).addRoutes(to: entrance)
        JoinArea(console: self).addRoutes(to: entrance)
        OrganizationArea(console: self).addRoutes(to: entrance)
        SwitchArea(console: self).addRoutes(to: entrance)
        TokensArea(console: self).addRoutes(to: entrance)
        IssuersArea(console: self).addRoutes(to: entrance)
        AccountArea(console: self).addRoutes(to: entrance)
        DeviceArea(console: self).addRoutes(to: entrance)
        entrance.addPageForTheRest()
    }
}
