import Testing
import Wire

@testable import Console

@Suite struct PeopleTests {
    private static let ana = "/people/00000000-0000-0000-0000-0000000000c1"

    @Test(arguments: [
        "people": "/people", "member": ana, "member-local": "/people/00000000-0000-0000-0000-0000000000c0",
        "member-deactivated": "/people/00000000-0000-0000-0000-0000000000c3", "member-remove": "\(ana)/remove",
        "member-deactivate": "\(ana)/deactivate",
        "roles":
            "/roles?member=00000000-0000-0000-0000-0000000000c1&permission=secrets.manage&environment=dev",
        "organization": "/organization", "organization-suspend": "/organization/suspend",
        "organization-delete": "/organization/delete", "organizations": "/organizations",
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        #expect(!answer.body.contains("<script>alert"))
        #expect(!answer.body.contains("{{") && !answer.body.contains(" style="))
        try Golden.expect(answer.body, name)
    }

    @Test func `whoever is alone is told whom to invite`() async throws {
        let body = try await Browser(FixtureOperations(.empty)).get("/people").body
        #expect(body.contains("You are alone here."))
        #expect(body.contains("1 member."))
    }

    @Test func `the first things to do stand on Home until they are done or nobody wants to see them`() async throws {
        let browser = try Browser(FixtureOperations(.empty))
        let home = try await browser.get("/").body
        #expect(home.contains("Set up") && home.contains("href=\"/people#invite\""))
        #expect(home.contains("Name the organization <span class=\"hidden\">(done)"))
        #expect(try await browser.post("/organization/setup/dismiss")["Location"] == "/")
        #expect(browser.operations.asked == ["dismiss setup"])
        #expect(try await !Browser().get("/").body.contains("Set up"))
    }

    @Test func `an invitation's link is shown once, with what became of the e-mail`() async throws {
        let browser = try Browser()
        for (role, words) in [
            ("viewer", "It was sent to them by e-mail too."), ("engineer", "no mail server is set"),
            ("admin", "It could not be sent by e-mail: mail.acme.example does not answer."),
        ] {
            let answer = try await browser.post("/people", "email=ben%40acme.example&role=\(role)&environment=dev")
            #expect(answer.status == 200)
            #expect(answer.body.contains("<code>https://weir.acme.example/join/weir_code_once</code>"))
            #expect(answer.body.contains(words))
            #expect(answer["Cache-Control"] == "no-store")
        }
        #expect(browser.operations.asked.first == "invite ben@acme.example viewer dev")
        try Golden.expect(
            try await browser.post("/people", "email=b%40acme.example&role=owner&environment=").body, "invitation-made")
    }

    @Test(arguments: [
        ("email=&role=viewer", 400, "The e-mail address is missing."),
        ("email=x%40y.example&role=king", 400, "which role"),
        ("email=ana%40acme.example&role=admin&environment=prod", 409, "belongs to the organization already"),
    ])
    func `an invitation that cannot be is shown again with what was typed`(
        form: String, status: Int, sentence: String
    ) async throws {
        let browser = try Browser()
        let answer = try await browser.post("/people", form)
        #expect(answer.status == status)
        #expect(answer.body.contains(sentence) && answer.body.contains("role=\"alert\""))
        #expect(answer.body.contains("value=\"ana@acme.example\"") == form.contains("ana"))
        #expect(browser.operations.asked.isEmpty)
    }

    @Test func `roles are given and taken, members shut out and let in`() async throws {
        let browser = try Browser()
        for (path, form) in [
            ("grant", "role=analyst&environment=prod"), ("grant", "role=owner&environment="),
            ("revoke", "role=engineer&environment=dev"), ("deactivate", ""), ("activate", ""),
        ] {
            #expect(try await browser.post("\(Self.ana)/\(path)", form)["Location"] == Self.ana)
        }
        #expect(try await browser.post("\(Self.ana)/remove")["Location"] == "/people")
        #expect(
            browser.operations.asked
                == [
                    "grant analyst prod", "grant owner -", "revoke engineer dev", "deactivate", "activate",
                    "remove ana@acme.example",
                ])
        let refused = try await browser.post("\(Self.ana)/revoke", "role=owner&environment=")
        #expect(refused.status == 409 && refused.body.contains("would have no owner"))
        #expect(try await browser.post("/people/00000000-0000-0000-0000-0000000000c0/remove").status == 409)
        #expect(try await browser.get("/people/nobody").status == 404)
    }

    @Test func `why somebody may or may not is answered in a sentence, and nonsense is refused`() async throws {
        let browser = try Browser()
        let ana = "member=00000000-0000-0000-0000-0000000000c1"
        let yes = try await browser.get("/roles?\(ana)&permission=runs.manage&environment=dev").body
        #expect(yes.contains("note good"))
        #expect(yes.contains("The role engineer in dev may cancel, retry and resolve runs."))
        let no = try await browser.get("/roles?\(ana)&permission=runs.manage&environment=").body
        #expect(no.contains("note warn") && no.contains("There is only engineer in dev."))
        #expect(try await browser.get("/roles?\(ana)&permission=fly").status == 400)
    }

    // MARK: - Joining

    @Test func `opening an invitation does not use it up and does not repeat its code`() async throws {
        let browser = try Browser()
        let answer = try await browser.get("/join/good-code", signedIn: false)
        #expect(answer.status == 200 && answer["Set-Cookie"] == nil)
        #expect(!answer.body.contains("good-code"))
        #expect(browser.operations.asked.isEmpty)
        try Golden.expect(answer.body, "join")
        #expect(try await browser.get("/join/good-code").body.contains("This browser is signed in as admin of acme."))
    }

    @Test func `the button signs in, in a session that replaces the one before`() async throws {
        let browser = try Browser()
        let answer = try await browser.post("/join/good-code", "display=Ben", signedIn: true)
        #expect(answer.status == 303 && answer["Location"] == "/")
        #expect(answer["Set-Cookie"]?.hasPrefix("weir_session=joined-session; ") == true)
        #expect(browser.operations.asked == ["join Ben fixture-session"])
        #expect(try await browser.get("/").status == 303)
    }

    @Test func `a link that is worth nothing says so, and posts from other sites are refused`() async throws {
        let browser = try Browser()
        for answer in [
            try await browser.get("/join/old", signedIn: false), try await browser.post("/join/old", signedIn: false),
        ] {
            #expect(answer.status == 401 && answer["Set-Cookie"] == nil)
            #expect(answer.body.contains("This invitation is over"))
        }
        try Golden.expect(try await browser.get("/join/old", signedIn: false).body, "join-over")
        #expect(try await browser.post("/join/good-code", "display=Twice").status == 409)
        let foreign = try await browser.post("/join/good-code", "", ["Sec-Fetch-Site": "cross-site"])
        #expect(foreign.status == 403)
        #expect(browser.operations.asked.isEmpty)
    }

    // MARK: - The organization

    @Test func `name and environments are changed, and what is no number is refused`() async throws {
        let browser = try Browser()
        #expect(try await browser.post("/organization", "name=Acme+Ltd")["Location"] == "/organization")
        // Forms of before there was `keepDataDays` leave it as it is.
        let old = "size=medium&keepRunsDays=90&keepLogsDays=14"
        let form = old + "&keepDataDays=7&budget="
        let path = "/organization/environments/prod"
        #expect(try await browser.post(path, form + "250.5")["Location"] == "/organization#environments")
        #expect(try await browser.post(path, form)["Location"] == "/organization#environments")
        #expect(try await browser.post(path, old)["Location"] == "/organization#environments")
        let asked = [
            "rename Acme Ltd", "prod medium 90 14 7 250.5", "prod medium 90 14 7 -", "prod medium 90 14 - -",
        ]
        #expect(browser.operations.asked == asked)
        for (path, form) in [
            (path, form + "much"), (path, "size=small&keepRunsDays=x&keepLogsDays=1"),
            (path, old + "&keepDataDays=x"), ("/organization", "name="),
        ] {
            let answer = try await browser.post(path, form)
            #expect(answer.status == 400 && answer.body.contains("role=\"alert\""))
        }
        #expect(browser.operations.asked == asked)
    }

    @Test func `suspending asks why, deleting asks for the short name, and both can be taken back`() async throws {
        let browser = try Browser()
        #expect(try await browser.post("/organization/suspend", "because=").status == 400)
        for wrong in ["", "slug=globex"] {
            let answer = try await browser.post("/organization/delete", wrong)
            #expect(answer.status == 400 && answer.body.contains("Write acme."))
        }
        #expect(browser.operations.asked.isEmpty)
        for (path, form) in [("suspend", "because=bill"), ("resume", ""), ("delete", "slug=acme"), ("restore", "")] {
            #expect(try await browser.post("/organization/\(path)", form)["Location"] == "/organization")
        }
        #expect(
            browser.operations.asked
                == ["suspend bill", "resume organization", "delete organization", "restore organization"])
        let suspended = try await Browser(FixtureOperations(.unwell)).get("/organization").body
        #expect(suspended.contains("It is suspended: the invoice is open.") && !suspended.contains("Suspend…"))
        let deleted = try await Browser(FixtureOperations(.empty)).get("/organization").body
        #expect(deleted.contains("gone in 30 days") && !deleted.contains("Delete…"))
        #expect(try await !Browser(FixtureOperations(.hostile)).get("/organization").body.contains("<script>alert"))
    }

    @Test func `another organization is a session of its own`() async throws {
        let browser = try Browser()
        let moved = try await browser.post("/organizations/switch", "slug=globex")
        #expect(moved.status == 303 && moved["Set-Cookie"]?.hasPrefix("weir_session=session-of-globex; ") == true)
        #expect(try await browser.get("/").status == 303)
        let founder = try Browser()
        let taken = try await founder.post("/organizations", "slug=taken&name=Kept+name")
        #expect(taken.status == 409 && taken.body.contains("value=\"Kept name\""))
        let made = try await founder.post("/organizations", "slug=initech&name=Initech")
        #expect(made["Set-Cookie"]?.hasPrefix("weir_session=session-of-initech; ") == true)
        #expect(founder.operations.asked == ["found initech Initech", "switch initech"])
        #expect(try await Browser().post("/organizations/switch", "slug=nowhere").status == 404)
    }
}
