import Foundation
import Testing
import Wire

@testable import Console

@Suite struct ScheduleTests {
    private let cron = "name=daily&pipeline=prod%2Fshop&trigger=cron&expression=0+6+*+*+*&timeZone=Europe%2FBerlin"

    @Test(arguments: [
        "schedules": "/schedules", "schedule": "/schedules/nightly", "schedule-paused": "/schedules/quarterly",
        "schedule-new": "/schedules/new?pipeline=dev%2Fbilling", "schedule-edit": "/schedules/nightly/edit",
        "schedule-delete": "/schedules/nightly/delete",
    ])
    func `a page looks as its golden file`(name: String, path: String) async throws {
        let answer = try await Browser().get(path)
        #expect(answer.status == 200)
        try Golden.expect(answer.body, name)
    }

    @Test func `without schedules the page says how to make one, and without pipelines how to get one`() async throws {
        let empty = try await Browser(FixtureOperations(.empty)).get("/schedules").body
        #expect(empty.contains("There is no pipeline yet"))
        #expect(empty.contains("href=\"/sources/new\">Add a source"))
        try Golden.expect(empty, "schedules-empty")
    }

    @Test func `times are told in the schedule's own zone, over the change to summer time too`() {
        let winter = Upcoming("2027-03-26T05:00:00Z", zone: "Europe/Berlin", now: Shop.now)
        let summer = Upcoming("2027-03-29T04:00:00.000Z", zone: "Europe/Berlin", now: Shop.now)
        #expect([winter.clock, summer.clock] == ["Fri 26 Mar, 06:00", "Mon 29 Mar, 06:00"])
        #expect(winter.wait == "in 124 days")
        let far = Upcoming("2029-12-31T23:30:00Z", zone: "Europe/Berlin", now: Shop.now)
        #expect([far.clock, far.wait] == ["Tue 1 Jan 2030, 00:30", "in 1,136 days"])
        let unknown = Upcoming("2026-11-21T10:15:00Z", zone: "Moon/Base", now: Shop.now)
        #expect([unknown.clock, unknown.zone, unknown.wait] == ["Sat 21 Nov, 10:15", "UTC", "in 45 min"])
        #expect(Upcoming("soon", zone: nil, now: Shop.now).clock == "soon")
        #expect([0, 59, 7200, 172_800].map { Upcoming.wait($0) } == ["due now", "in 59 s", "in 2 h", "in 2 days"])
    }

    @Test(arguments: [
        ("trigger=every&count=90&unit=minutes", TriggerView(kind: "every", minutes: 90)),
        ("trigger=every&count=2&unit=days", TriggerView(kind: "every", minutes: 2880)),
        ("trigger=cron&expression=0+6+*+*+*&timeZone=", TriggerView(kind: "cron", expression: "0 6 * * *")),
        (
            "trigger=cron&expression=0+6+*+*+*&timeZone=Asia%2FTokyo",
            TriggerView(kind: "cron", expression: "0 6 * * *", timeZone: "Asia/Tokyo")
        ),
        ("trigger=file&location=s3%3A%2F%2Fb%2Fp&count=6", TriggerView(kind: "file", location: "s3://b/p")),
        ("trigger=after&follows=shop&expression=x", TriggerView(kind: "after", source: "shop")),
    ])
    func `a form carries the fields of its trigger and no others`(form: String, trigger: TriggerView) throws {
        #expect(try ScheduleForm(Form(form)).trigger() == trigger)
    }

    @Test func `a schedule fills the form so that saving it again changes nothing`() throws {
        for schedule in ShopSchedules.all {
            let request = try ScheduleForm(schedule).request()
            #expect(request.trigger == schedule.trigger)
            #expect(request.tables ?? [] == schedule.tables)
            #expect(request.catchUp == schedule.catchUp)
            #expect(request.environment == schedule.environment)
        }
    }

    @Test func `a new schedule is saved as a whole, and its page comes`() async throws {
        let browser = try Browser()
        let form = cron + "&catchUp=all&tables=public.orders%0D%0A+payments%2C%0D%0A&views=yes"
        let answer = try await browser.post("/schedules", form)
        #expect(answer.status == 303)
        #expect(answer["Location"] == "/schedules/daily")
        let said = try #require(browser.operations.asked.first)
        let json = try #require(said.firstMatch(of: /^put daily (.*)$/)).1
        let request = try WireJSON.decode(ScheduleRequest.self, from: Data(json.utf8))
        #expect(request.source == "shop")
        #expect(request.environment == "prod")
        #expect(request.trigger == TriggerView(kind: "cron", expression: "0 6 * * *", timeZone: "Europe/Berlin"))
        #expect(request.catchUp == "all")
        #expect(request.tables == ["public.orders", "payments"])
        #expect(request.views == true)
    }

    @Test(arguments: [
        ("name=My+Plan", 400, "Try my_plan_schedule."), ("name=new", 400, "and is not new."),
        ("name=nightly", 409, "There is a schedule nightly already."), ("trigger=moon", 400, "Choose one of the four."),
        ("pipeline=", 400, "No pipeline is chosen."), ("trigger=every&count=x", 400, "is no whole number."),
        ("trigger=file", 400, "The folder is missing."), ("trigger=after", 400, "after which pipeline"),
        ("expression=", 400, "The cron expression is missing."), ("expression=0+0+30+2+*", 400, "never fires."),
    ])
    func `a form that cannot be is shown again with what was typed`(
        change: String, status: Int, sentence: String
    ) async throws {
        let browser = try Browser()
        let answer = try await browser.post("/schedules", "\(change)&\(cron)&tables=kept_table")
        #expect(answer.status == status)
        #expect(answer.body.contains(sentence))
        #expect(answer.body.contains("value=\"Europe/Berlin\""))
        #expect(answer.body.contains("kept_table</textarea>"))
        #expect(browser.operations.asked.isEmpty)
    }

    @Test func `a change keeps the schedule's name, whatever the form says`() async throws {
        let browser = try Browser()
        let answer = try await browser.post("/schedules/nightly", cron)
        #expect(answer["Location"] == "/schedules/nightly")
        #expect(try #require(browser.operations.asked.first).hasPrefix("put nightly "))
    }

    @Test func `a trigger is shown in words and times before it is kept, with and without scripts`() async throws {
        let browser = try Browser()
        let piece = try await browser.post("/schedules/new/preview", cron, ["HX-Request": "true"])
        #expect(piece.status == 200)
        #expect(piece.body.hasPrefix("<div class=\"note plain\">"))
        #expect(piece.body.matches(of: /<li>/).count == 5)
        #expect(piece.body.contains("<span class=\"muted\">Europe/Berlin, in 43 h</span>"))
        let page = try await browser.post("/schedules/nightly/preview", cron)
        #expect(page.body.contains("<h1>Change nightly</h1>"))
        #expect(page.body.contains("Mon 23 Nov, 06:00"))
        #expect(page.body.contains("value=\"0 6 * * *\""))
        let never = "trigger=cron&expression=0+0+30+2+*"
        let refused = try await browser.post("/schedules/new/preview", never, ["HX-Request": "true"])
        #expect(refused.status == 400)
        #expect(refused.body.hasPrefix("<div class=\"note bad\""))
        #expect(try await browser.post("/schedules/new/preview", never).body.contains("value=\"0 0 30 2 *\""))
        #expect(browser.operations.asked.isEmpty)
    }

    @Test func `a schedule is run, paused with a reason, resumed and deleted`() async throws {
        let browser = try Browser()
        let here = "/schedules/nightly"
        #expect(try await browser.post("\(here)/run")["Location"] == "/runs/\(Shop.runningID)")
        for (path, form) in [("pause", "because=stock+taking"), ("pause", "because="), ("resume", "")] {
            #expect(try await browser.post("\(here)/\(path)", form)["Location"] == here)
        }
        let question = try await browser.get("\(here)/delete").body
        #expect(question.contains("Delete the schedule nightly?"))
        #expect(browser.operations.asked.count == 4)
        #expect(try await browser.post("\(here)/delete")["Location"] == "/schedules")
        #expect(
            browser.operations.asked
                == ["run nightly", "pause nightly stock taking", "pause nightly -", "resume nightly", "delete nightly"])
    }

    @Test func `a backfill says how many runs it made, or what is wrong with its days`() async throws {
        let browser = try Browser()
        let done = try await browser.post("/schedules/nightly/backfill", "from=2026-11-01&through=2026-11-04")
        #expect(done.status == 200)
        #expect(done.body.contains("3 runs were made; 1 time had its run already."))
        #expect(browser.operations.asked == ["backfill nightly 2026-11-01 2026-11-04"])
        let wrong = try await browser.post("/schedules/nightly/backfill", "from=2026-11-05&through=2026-11-04")
        #expect(wrong.status == 400)
        #expect(wrong.body.contains("The first day is after the last."))
        #expect(wrong.body.contains("name=\"from\" value=\"2026-11-05\""))
        #expect(try await !browser.get("/schedules/after_shop").body.contains("/backfill"))
    }

    @Test func `a schedule that is not there is a 404 in words`() async throws {
        for path in ["/schedules/nothing", "/schedules/nothing/edit", "/schedules/nothing/delete"] {
            let answer = try await Browser().get(path)
            #expect(answer.status == 404)
            #expect(answer.body.contains("There is no schedule nothing."))
        }
    }

    @Test(arguments: ["/schedules", "/schedules/hostile", "/schedules/hostile/edit", "/schedules/hostile/delete"])
    func `words that look like markup stay text`(path: String) async throws {
        let body = try await Browser(FixtureOperations(.hostile)).get(path).body
        #expect(body.contains("&lt;script&gt;alert(1)"))
        #expect(!body.contains("<script>alert"))
        #expect(!body.contains("\" x='"))
    }
}
