import Wire

/// The first things to do in a new organization, for those who may; gone when all is done or nobody wants to see it.
struct SetupList: Sendable {
    let steps: [Step]

    struct Step: Sendable {
        let title: String
        let help: String
        let address: String
        let isDone: Bool
    }

    init?(_ setup: SetupView) {
        guard !setup.isDone, !setup.isDismissed else { return nil }
        steps = [
            Step(title: "Sign in", help: "", address: "/", isDone: true),
            Step(
                title: "Name the organization", help: "as its people call it", address: "/organization",
                isDone: setup.isNamed),
            Step(
                title: "Look over an environment", help: "size, how long runs are kept, what a month may cost",
                address: "/organization#environments", isDone: setup.isSettled),
            Step(
                title: "Invite people", help: "with the role that they need", address: "/people#invite",
                isDone: setup.hasMembers),
        ]
    }
}
