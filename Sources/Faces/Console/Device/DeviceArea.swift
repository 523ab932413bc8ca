import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// A person's word for a command line that waits (RFC 8628, section 3.3). The code is typed or followed; it is answered by
/// a form of this console alone, which the doorkeeper takes from no other site.
struct DeviceArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/device", .accountManage) { visit in
            guard let code = visit.call.query["code"] else { return ask(visit) }
            return try await show(code, visit)
        }
        entrance.post("/device", .accountManage) { try await answer($0) }
    }

    private func ask(_ visit: Visit, code: String = "", problem: Problem? = nil) -> Response {
        let status = HTTPResponse.Status(problem)
        return console.pages.page(
            "device", DevicePage(code: code, problem: problem.map { ProblemNote($0) }),
            Heading("Sign in a command line", .none), visit: visit, status: status)
    }

    private func show(_ code: String, _ visit: Visit, problem: Problem? = nil) async throws -> Response {
        do {
            let device = try await console.operations.device(userCode: code, as: visit.caller)
            let view = DeviceConfirmPage(device, caller: visit.caller, problem: problem)
            let status = HTTPResponse.Status(problem)
            return console.pages.page(
                "device-confirm", view, Heading("Sign in a command line", .none), visit: visit, status: status)
        } catch let problem as Problem where problem.code == .notFound || problem.code == .busy {
            return ask(visit, code: code, problem: problem)
        }
    }

    private func answer(_ visit: Visit) async throws -> Response {
        let form = try await visit.call.form()
        let code = form["code"] ?? ""
        let isApproved = form["answer"] == "approve"
        let approval = DeviceApproval(
            scopes: form["scopes"].map { $0.split(separator: " ").map(String.init) } ?? [],
            days: Int(form["days"] ?? "") ?? 0)
        do {
            try await console.operations.answerDevice(
                userCode: code, isApproved ? approval : nil, as: visit.caller)
        } catch let problem as Problem where problem.code == .notFound || problem.code == .busy {
            return ask(visit, problem: problem)
        } catch let problem as Problem where problem.code.isForPerson {
            return try await show(code, visit, problem: problem)
        }
        return console.pages.page(
            "device-done", DeviceDonePage(isApproved: isApproved), Heading("Sign in a command line", .none),
            visit: visit)
    }
}

struct DevicePage: Sendable {
    let code: String
    let problem: ProblemNote?
}

struct DeviceDonePage: Sendable {
    let isApproved: Bool
}

struct DeviceConfirmPage: Sendable {
    let code: String
    let machine: String
    let address: String?
    let organization: String
    let person: String
    let scopes: [Choice]
    let days: [Choice]
    let problem: ProblemNote?

    init(_ device: DeviceView, caller: Caller, problem: Problem?) {
        code = device.userCode
        machine = device.machine
        address = device.address
        organization = caller.slug
        person = caller.display
        let wanted = device.scopes.joined(separator: " ")
        var offers = [("all", "All that my roles allow"), ("read", "Only look: no changes")]
        if !offers.contains(where: { $0.0 == wanted }) {
            offers.insert((wanted, device.scopes.joined(separator: ", ")), at: 0)
        }
        scopes = offers.map { Choice(value: $0.0, label: $0.1, isChosen: $0.0 == wanted) }
        days = [(1, "1 day"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (366, "366 days")].map { days, label in
            Choice(value: String(days), label: label, isChosen: days == 30)
        }
        self.problem = problem.map { ProblemNote($0) }
    }
}
