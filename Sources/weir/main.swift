import Weirhouse

await Weirhouse.main()
