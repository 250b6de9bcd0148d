module example.test/project

go 1.22
