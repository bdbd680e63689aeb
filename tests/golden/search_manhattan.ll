; ModuleID = "likewise"
target triple = "unknown-unknown-unknown"
target datalayout = ""

define i64 @"search"(ptr noalias %".1")
{
entry:
  %".4" = getelementptr i64, ptr %".1", i64 3
  %".5" = load i64, ptr %".4"
  %".6" = getelementptr i64, ptr %".1", i64 4
  %".7" = load i64, ptr %".6"
  %".11" = alloca <4 x float>, i32 8, align 64
  %".12" = alloca <4 x float>, i32 2, align 64
  %".13" = getelementptr i64, ptr %".1", i64 7
  %".14" = load i64, ptr %".13"
  %".15" = getelementptr i64, ptr %".1", i64 1
  %".16" = load i64, ptr %".15"
  %".19" = getelementptr i64, ptr %".1", i64 2
  %".20" = load i64, ptr %".19"
  %".21" = inttoptr i64 %".20" to ptr
  %".41" = getelementptr i64, ptr %".1", i64 0
  %".42" = load i64, ptr %".41"
  %".43" = inttoptr i64 %".42" to ptr
  %".46" = getelementptr i64, ptr %".1", i64 9
  %".47" = load i64, ptr %".46"
  %".48" = inttoptr i64 %".47" to ptr
  %".52" = alloca <4 x float>, i32 1
  %".54" = alloca <4 x float>, i32 1
  %".56" = alloca <4 x float>, i32 1
  %".58" = alloca <4 x float>, i32 1
  %".60" = alloca <4 x float>, i32 1
  %".62" = alloca <4 x float>, i32 1
  %".64" = alloca <4 x float>, i32 1
  %".66" = alloca <4 x float>, i32 1
  %".196" = getelementptr i64, ptr %".1", i64 17
  %".197" = load i64, ptr %".196"
  %".198" = inttoptr i64 %".197" to ptr
  %".275" = alloca i64, i32 1
  %".327" = getelementptr i64, ptr %".1", i64 10
  %".328" = load i64, ptr %".327"
  %".329" = getelementptr i64, ptr %".1", i64 11
  %".330" = load i64, ptr %".329"
  %".331" = getelementptr i64, ptr %".1", i64 12
  %".332" = load i64, ptr %".331"
  %".333" = inttoptr i64 %".332" to ptr
  %".336" = getelementptr i64, ptr %".1", i64 14
  %".337" = load i64, ptr %".336"
  %".338" = inttoptr i64 %".337" to ptr
  %".341" = getelementptr i64, ptr %".1", i64 15
  %".342" = load i64, ptr %".341"
  %".343" = inttoptr i64 %".342" to ptr
  %".346" = alloca i64, i32 1
  %".363" = getelementptr i64, ptr %".1", i64 5
  %".364" = load i64, ptr %".363"
  %".367" = getelementptr i64, ptr %".1", i64 20
  %".368" = load i64, ptr %".367"
  %".369" = inttoptr i64 %".368" to ptr
  %".375" = getelementptr i64, ptr %".1", i64 21
  %".376" = load i64, ptr %".375"
  %".378" = alloca i1, i32 1
  %".382" = getelementptr i64, ptr %".1", i64 22
  %".383" = load i64, ptr %".382"
  %".386" = inttoptr i64 %".376" to ptr
  %".394" = getelementptr i64, ptr %".1", i64 13
  %".395" = load i64, ptr %".394"
  %".396" = inttoptr i64 %".395" to ptr
  %".409" = alloca i64, i32 1
  %".439" = alloca i64, i32 1
  %".441" = alloca i64, i32 1
  %".482" = getelementptr i64, ptr %".1", i64 18
  %".483" = load i64, ptr %".482"
  %".484" = bitcast i64 %".483" to double
  %".485" = fptrunc double %".484" to float
  %".486" = getelementptr i64, ptr %".1", i64 19
  %".487" = load i64, ptr %".486"
  %".488" = inttoptr i64 %".487" to ptr
  %".496" = getelementptr i64, ptr %".1", i64 16
  %".497" = load i64, ptr %".496"
  %".498" = inttoptr i64 %".497" to ptr
  %".505" = alloca i64, i32 1
  %".543" = getelementptr i64, ptr %".1", i64 6
  %".544" = load i64, ptr %".543"
  br label %"body"
body:
  br label %"panel.head"
panel.head:
  %"panel" = phi  i64 [%".5", %"body"], [%".579", %"slice.done"]
  %".9" = icmp slt i64 %"panel", %".7"
  br i1 %".9", label %"panel.body", label %"panel.done"
panel.body:
  %".17" = add i64 %".16", 3
  %".18" = sdiv i64 %".17", 4
  %".22" = mul i64 %"panel", %".14"
  %".23" = mul i64 %".22", 8
  %".24" = getelementptr float, ptr %".21", i64 %".23"
  %".25" = add i64 %".14", 255
  %".26" = sdiv i64 %".25", 256
  %".27" = sub i64 %".26", 1
  %".28" = add i64 %".14", %".27"
  %".29" = sdiv i64 %".28", %".26"
  br label %"slice.head"
panel.done:
  ret i64 0
slice.head:
  %"slice" = phi  i64 [0, %"panel.body"], [%".577", %"tile.done"]
  %".31" = icmp slt i64 %"slice", %".26"
  br i1 %".31", label %"slice.body", label %"slice.done"
slice.body:
  %".33" = mul i64 %"slice", %".29"
  %".34" = add i64 %".33", %".29"
  %".35" = icmp sge i64 %".34", %".14"
  %".36" = select  i1 %".35", i64 %".14", i64 %".34"
  br label %"tile.head"
slice.done:
  %".579" = add i64 %"panel", 1
  br label %"panel.head"
tile.head:
  %"tile" = phi  i64 [0, %"slice.body"], [%".575", %"t.done.endif"]
  %".38" = icmp slt i64 %"tile", %".18"
  br i1 %".38", label %"tile.body", label %"tile.done"
tile.body:
  %".40" = mul i64 %"tile", 4
  %".44" = mul i64 %".40", %".14"
  %".45" = getelementptr float, ptr %".43", i64 %".44"
  %".49" = mul i64 %"tile", 32
  %".50" = getelementptr float, ptr %".48", i64 %".49"
  %".51" = mul i64 %"panel", 8
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".52"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".54"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".56"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".58"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".60"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".62"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".64"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".66"
  %".68" = icmp sgt i64 %".33", 0
  br i1 %".68", label %"tile.body.if", label %"tile.body.endif"
tile.done:
  %".577" = add i64 %"slice", 1
  br label %"slice.head"
tile.body.if:
  %".70" = getelementptr float, ptr %".50", i64 0
  %".71" = load <4 x float>, ptr %".70", align 4
  store <4 x float> %".71", ptr %".52"
  %".73" = getelementptr float, ptr %".50", i64 4
  %".74" = load <4 x float>, ptr %".73", align 4
  store <4 x float> %".74", ptr %".54"
  %".76" = getelementptr float, ptr %".50", i64 8
  %".77" = load <4 x float>, ptr %".76", align 4
  store <4 x float> %".77", ptr %".56"
  %".79" = getelementptr float, ptr %".50", i64 12
  %".80" = load <4 x float>, ptr %".79", align 4
  store <4 x float> %".80", ptr %".58"
  %".82" = getelementptr float, ptr %".50", i64 16
  %".83" = load <4 x float>, ptr %".82", align 4
  store <4 x float> %".83", ptr %".60"
  %".85" = getelementptr float, ptr %".50", i64 20
  %".86" = load <4 x float>, ptr %".85", align 4
  store <4 x float> %".86", ptr %".62"
  %".88" = getelementptr float, ptr %".50", i64 24
  %".89" = load <4 x float>, ptr %".88", align 4
  store <4 x float> %".89", ptr %".64"
  %".91" = getelementptr float, ptr %".50", i64 28
  %".92" = load <4 x float>, ptr %".91", align 4
  store <4 x float> %".92", ptr %".66"
  br label %"tile.body.endif"
tile.body.endif:
  %".95" = sitofp i64 %".14" to float
  %".96" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".95", i32 0
  %".97" = shufflevector <4 x float> %".96", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  br label %"t.head"
t.head:
  %"t" = phi  i64 [%".33", %"tile.body.endif"], [%".185", %"t.body"]
  %".99" = icmp slt i64 %"t", %".36"
  br i1 %".99", label %"t.body", label %"t.done"
t.body:
  %".101" = mul i64 %"t", 8
  %".102" = add i64 %".101", 0
  %".103" = getelementptr float, ptr %".24", i64 %".102"
  %".104" = load <4 x float>, ptr %".103", align 4
  %".105" = add i64 %".101", 4
  %".106" = getelementptr float, ptr %".24", i64 %".105"
  %".107" = load <4 x float>, ptr %".106", align 4
  %".108" = mul i64 %"t", 4
  %".109" = add i64 %".108", 0
  %".110" = getelementptr float, ptr %".45", i64 %".109"
  %".111" = load float, ptr %".110", align 4
  %".112" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".111", i32 0
  %".113" = shufflevector <4 x float> %".112", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".114" = add i64 %".40", 0
  %".115" = add i64 %".51", 0
  %".116" = load <4 x float>, ptr %".52"
  %".117" = fsub <4 x float> %".113", %".104"
  %".118" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".117")
  %".119" = fadd <4 x float> %".116", %".118"
  store <4 x float> %".119", ptr %".52"
  %".121" = add i64 %".40", 0
  %".122" = add i64 %".51", 4
  %".123" = load <4 x float>, ptr %".54"
  %".124" = fsub <4 x float> %".113", %".107"
  %".125" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".124")
  %".126" = fadd <4 x float> %".123", %".125"
  store <4 x float> %".126", ptr %".54"
  %".128" = add i64 %".108", 1
  %".129" = getelementptr float, ptr %".45", i64 %".128"
  %".130" = load float, ptr %".129", align 4
  %".131" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".130", i32 0
  %".132" = shufflevector <4 x float> %".131", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".133" = add i64 %".40", 1
  %".134" = add i64 %".51", 0
  %".135" = load <4 x float>, ptr %".56"
  %".136" = fsub <4 x float> %".132", %".104"
  %".137" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".136")
  %".138" = fadd <4 x float> %".135", %".137"
  store <4 x float> %".138", ptr %".56"
  %".140" = add i64 %".40", 1
  %".141" = add i64 %".51", 4
  %".142" = load <4 x float>, ptr %".58"
  %".143" = fsub <4 x float> %".132", %".107"
  %".144" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".143")
  %".145" = fadd <4 x float> %".142", %".144"
  store <4 x float> %".145", ptr %".58"
  %".147" = add i64 %".108", 2
  %".148" = getelementptr float, ptr %".45", i64 %".147"
  %".149" = load float, ptr %".148", align 4
  %".150" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".149", i32 0
  %".151" = shufflevector <4 x float> %".150", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".152" = add i64 %".40", 2
  %".153" = add i64 %".51", 0
  %".154" = load <4 x float>, ptr %".60"
  %".155" = fsub <4 x float> %".151", %".104"
  %".156" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".155")
  %".157" = fadd <4 x float> %".154", %".156"
  store <4 x float> %".157", ptr %".60"
  %".159" = add i64 %".40", 2
  %".160" = add i64 %".51", 4
  %".161" = load <4 x float>, ptr %".62"
  %".162" = fsub <4 x float> %".151", %".107"
  %".163" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".162")
  %".164" = fadd <4 x float> %".161", %".163"
  store <4 x float> %".164", ptr %".62"
  %".166" = add i64 %".108", 3
  %".167" = getelementptr float, ptr %".45", i64 %".166"
  %".168" = load float, ptr %".167", align 4
  %".169" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".168", i32 0
  %".170" = shufflevector <4 x float> %".169", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".171" = add i64 %".40", 3
  %".172" = add i64 %".51", 0
  %".173" = load <4 x float>, ptr %".64"
  %".174" = fsub <4 x float> %".170", %".104"
  %".175" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".174")
  %".176" = fadd <4 x float> %".173", %".175"
  store <4 x float> %".176", ptr %".64"
  %".178" = add i64 %".40", 3
  %".179" = add i64 %".51", 4
  %".180" = load <4 x float>, ptr %".66"
  %".181" = fsub <4 x float> %".170", %".107"
  %".182" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".181")
  %".183" = fadd <4 x float> %".180", %".182"
  store <4 x float> %".183", ptr %".66"
  %".185" = add i64 %"t", 1
  br label %"t.head"
t.done:
  %".187" = load <4 x float>, ptr %".52"
  %".188" = load <4 x float>, ptr %".54"
  %".189" = load <4 x float>, ptr %".56"
  %".190" = load <4 x float>, ptr %".58"
  %".191" = load <4 x float>, ptr %".60"
  %".192" = load <4 x float>, ptr %".62"
  %".193" = load <4 x float>, ptr %".64"
  %".194" = load <4 x float>, ptr %".66"
  br i1 %".35", label %"t.done.if", label %"t.done.else"
t.done.if:
  %".199" = add i64 %".40", 0
  %".200" = getelementptr float, ptr %".198", i64 %".199"
  %".201" = load float, ptr %".200", align 4
  %".202" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".201", i32 0
  %".203" = shufflevector <4 x float> %".202", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".204" = fcmp ule <4 x float> %".187", %".203"
  %".205" = fcmp ule <4 x float> %".188", %".203"
  %".206" = or <4 x i1> %".204", %".205"
  %".207" = bitcast <4 x i1> %".206" to i4
  %".208" = icmp ne i4 %".207", 0
  %".209" = zext i1 %".208" to i64
  %".210" = shl i64 %".209", 0
  %".211" = or i64 0, %".210"
  %".212" = add i64 %".40", 1
  %".213" = getelementptr float, ptr %".198", i64 %".212"
  %".214" = load float, ptr %".213", align 4
  %".215" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".214", i32 0
  %".216" = shufflevector <4 x float> %".215", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".217" = fcmp ule <4 x float> %".189", %".216"
  %".218" = fcmp ule <4 x float> %".190", %".216"
  %".219" = or <4 x i1> %".217", %".218"
  %".220" = bitcast <4 x i1> %".219" to i4
  %".221" = icmp ne i4 %".220", 0
  %".222" = zext i1 %".221" to i64
  %".223" = shl i64 %".222", 1
  %".224" = or i64 %".211", %".223"
  %".225" = add i64 %".40", 2
  %".226" = getelementptr float, ptr %".198", i64 %".225"
  %".227" = load float, ptr %".226", align 4
  %".228" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".227", i32 0
  %".229" = shufflevector <4 x float> %".228", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".230" = fcmp ule <4 x float> %".191", %".229"
  %".231" = fcmp ule <4 x float> %".192", %".229"
  %".232" = or <4 x i1> %".230", %".231"
  %".233" = bitcast <4 x i1> %".232" to i4
  %".234" = icmp ne i4 %".233", 0
  %".235" = zext i1 %".234" to i64
  %".236" = shl i64 %".235", 2
  %".237" = or i64 %".224", %".236"
  %".238" = add i64 %".40", 3
  %".239" = getelementptr float, ptr %".198", i64 %".238"
  %".240" = load float, ptr %".239", align 4
  %".241" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".240", i32 0
  %".242" = shufflevector <4 x float> %".241", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".243" = fcmp ule <4 x float> %".193", %".242"
  %".244" = fcmp ule <4 x float> %".194", %".242"
  %".245" = or <4 x i1> %".243", %".244"
  %".246" = bitcast <4 x i1> %".245" to i4
  %".247" = icmp ne i4 %".246", 0
  %".248" = zext i1 %".247" to i64
  %".249" = shl i64 %".248", 3
  %".250" = or i64 %".237", %".249"
  %".251" = sub i64 %".16", %".40"
  %".252" = icmp slt i64 %".251", 4
  %".253" = select  i1 %".252", i64 %".251", i64 4
  %".254" = shl i64 1, %".253"
  %".255" = sub i64 %".254", 1
  %".256" = and i64 %".250", %".255"
  %".257" = icmp ne i64 %".256", 0
  br i1 %".257", label %"t.done.if.if", label %"t.done.if.endif", !prof !0
t.done.else:
  %".558" = getelementptr float, ptr %".50", i64 0
  store <4 x float> %".187", ptr %".558", align 4
  %".560" = getelementptr float, ptr %".50", i64 4
  store <4 x float> %".188", ptr %".560", align 4
  %".562" = getelementptr float, ptr %".50", i64 8
  store <4 x float> %".189", ptr %".562", align 4
  %".564" = getelementptr float, ptr %".50", i64 12
  store <4 x float> %".190", ptr %".564", align 4
  %".566" = getelementptr float, ptr %".50", i64 16
  store <4 x float> %".191", ptr %".566", align 4
  %".568" = getelementptr float, ptr %".50", i64 20
  store <4 x float> %".192", ptr %".568", align 4
  %".570" = getelementptr float, ptr %".50", i64 24
  store <4 x float> %".193", ptr %".570", align 4
  %".572" = getelementptr float, ptr %".50", i64 28
  store <4 x float> %".194", ptr %".572", align 4
  br label %"t.done.endif"
t.done.endif:
  %".575" = add i64 %"tile", 1
  br label %"tile.head"
t.done.if.if:
  %".259" = getelementptr float, ptr %".11", i64 0
  store <4 x float> %".187", ptr %".259", align 4
  %".261" = getelementptr float, ptr %".11", i64 4
  store <4 x float> %".188", ptr %".261", align 4
  %".263" = getelementptr float, ptr %".11", i64 8
  store <4 x float> %".189", ptr %".263", align 4
  %".265" = getelementptr float, ptr %".11", i64 12
  store <4 x float> %".190", ptr %".265", align 4
  %".267" = getelementptr float, ptr %".11", i64 16
  store <4 x float> %".191", ptr %".267", align 4
  %".269" = getelementptr float, ptr %".11", i64 20
  store <4 x float> %".192", ptr %".269", align 4
  %".271" = getelementptr float, ptr %".11", i64 24
  store <4 x float> %".193", ptr %".271", align 4
  %".273" = getelementptr float, ptr %".11", i64 28
  store <4 x float> %".194", ptr %".273", align 4
  store i64 %".256", ptr %".275"
  br label %"bit.head"
t.done.if.endif:
  br label %"t.done.endif"
bit.head:
  %".278" = load i64, ptr %".275"
  %".279" = icmp ne i64 %".278", 0
  br i1 %".279", label %"bit.body", label %"bit.done"
bit.body:
  %".281" = load i64, ptr %".275"
  %".282" = sub i64 %".281", 1
  %".283" = and i64 %".281", %".282"
  store i64 %".283", ptr %".275"
  %".285" = call i64 @"llvm.cttz.i64"(i64 %".281", i1 1)
  %".286" = add i64 %".40", %".285"
  %".287" = getelementptr float, ptr %".198", i64 %".286"
  %".288" = load float, ptr %".287", align 4
  %".289" = add i64 %".285", 0
  %".290" = mul i64 %".289", 8
  %".291" = add i64 %".290", 0
  %".292" = getelementptr float, ptr %".11", i64 %".291"
  %".293" = load <4 x float>, ptr %".292", align 4
  %".294" = add i64 %".51", 0
  %".295" = sitofp i64 %".14" to float
  %".296" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".295", i32 0
  %".297" = shufflevector <4 x float> %".296", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".298" = getelementptr float, ptr %".12", i64 0
  store <4 x float> %".293", ptr %".298", align 4
  %".300" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".288", i32 0
  %".301" = shufflevector <4 x float> %".300", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".302" = fcmp ule <4 x float> %".293", %".301"
  %".303" = bitcast <4 x i1> %".302" to i4
  %".304" = zext i4 %".303" to i64
  %".305" = shl i64 %".304", 0
  %".306" = or i64 0, %".305"
  %".307" = add i64 %".285", 0
  %".308" = mul i64 %".307", 8
  %".309" = add i64 %".308", 4
  %".310" = getelementptr float, ptr %".11", i64 %".309"
  %".311" = load <4 x float>, ptr %".310", align 4
  %".312" = add i64 %".51", 4
  %".313" = sitofp i64 %".14" to float
  %".314" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".313", i32 0
  %".315" = shufflevector <4 x float> %".314", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".316" = getelementptr float, ptr %".12", i64 4
  store <4 x float> %".311", ptr %".316", align 4
  %".318" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".288", i32 0
  %".319" = shufflevector <4 x float> %".318", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".320" = fcmp ule <4 x float> %".311", %".319"
  %".321" = bitcast <4 x i1> %".320" to i4
  %".322" = zext i4 %".321" to i64
  %".323" = shl i64 %".322", 4
  %".324" = or i64 %".306", %".323"
  %".325" = icmp ne i64 %".324", 0
  br i1 %".325", label %"bit.body.if", label %"bit.body.endif", !prof !0
bit.done:
  br label %"t.done.if.endif"
bit.body.if:
  %".334" = mul i64 %".286", %".328"
  %".335" = getelementptr float, ptr %".333", i64 %".334"
  %".339" = mul i64 %".286", %".330"
  %".340" = getelementptr float, ptr %".338", i64 %".339"
  %".344" = mul i64 %".286", %".330"
  %".345" = getelementptr i64, ptr %".343", i64 %".344"
  store i64 %".324", ptr %".346"
  br label %"bit.head.1"
bit.body.endif:
  br label %"bit.head"
bit.head.1:
  %".349" = load i64, ptr %".346"
  %".350" = icmp ne i64 %".349", 0
  br i1 %".350", label %"bit.body.1", label %"bit.done.1"
bit.body.1:
  %".352" = load i64, ptr %".346"
  %".353" = sub i64 %".352", 1
  %".354" = and i64 %".352", %".353"
  store i64 %".354", ptr %".346"
  %".356" = call i64 @"llvm.cttz.i64"(i64 %".352", i1 1)
  %".357" = getelementptr float, ptr %".12", i64 %".356"
  %".358" = load float, ptr %".357", align 4
  %".359" = add i64 %".51", %".356"
  %".360" = getelementptr float, ptr %".198", i64 %".286"
  %".361" = load float, ptr %".360", align 4
  %".362" = fcmp ule float %".358", %".361"
  %".365" = icmp slt i64 %".359", %".364"
  %".366" = and i1 %".362", %".365"
  %".370" = getelementptr i64, ptr %".369", i64 %".286"
  %".371" = load i64, ptr %".370", align 8
  %".372" = icmp eq i64 %".371", 0
  %".373" = and i1 %".366", %".372"
  br i1 %".373", label %"bit.body.1.if", label %"bit.body.1.endif"
bit.done.1:
  br label %"bit.body.endif"
bit.body.1.if:
  %".377" = icmp eq i64 %".376", 0
  store i1 %".377", ptr %".378"
  %".380" = xor i1 %".377", -1
  br i1 %".380", label %"bit.body.1.if.if", label %"bit.body.1.if.endif"
bit.body.1.endif:
  br label %"bit.head.1"
bit.body.1.if.if:
  %".384" = mul i64 %".286", %".383"
  %".385" = add i64 %".384", %".359"
  %".387" = getelementptr i8, ptr %".386", i64 %".385"
  %".388" = load i8, ptr %".387", align 1
  %".389" = icmp ne i8 %".388", 0
  store i1 %".389", ptr %".378"
  br label %"bit.body.1.if.endif"
bit.body.1.if.endif:
  %".392" = load i1, ptr %".378"
  br i1 %".392", label %"bit.body.1.if.endif.if", label %"bit.body.1.if.endif.endif"
bit.body.1.if.endif.if:
  %".397" = getelementptr i64, ptr %".396", i64 %".286"
  %".398" = load i64, ptr %".397"
  %".399" = fcmp ord float %".358", %".358"
  %".400" = icmp slt i64 %".398", %".328"
  %".401" = and i1 %".399", %".400"
  %".402" = icmp eq i64 %".398", %".328"
  %".403" = and i1 %".399", %".402"
  %".404" = getelementptr float, ptr %".335", i64 0
  %".405" = load float, ptr %".404", align 4
  %".406" = fcmp olt float %".358", %".405"
  %".407" = and i1 %".403", %".406"
  br i1 %".401", label %"bit.body.1.if.endif.if.if", label %"bit.body.1.if.endif.if.endif"
bit.body.1.if.endif.endif:
  br label %"bit.body.1.endif"
bit.body.1.if.endif.if.if:
  store i64 %".398", ptr %".409"
  br label %"rise.head"
bit.body.1.if.endif.if.endif:
  br i1 %".407", label %"bit.body.1.if.endif.if.endif.if", label %"bit.body.1.if.endif.if.endif.endif"
rise.head:
  %".412" = load i64, ptr %".409"
  %".413" = sub i64 %".412", 1
  %".414" = sdiv i64 %".413", 2
  %".415" = icmp sgt i64 %".412", 0
  %".416" = select  i1 %".415", i64 %".414", i64 0
  %".417" = getelementptr float, ptr %".335", i64 %".416"
  %".418" = load float, ptr %".417", align 4
  %".419" = icmp sgt i64 %".412", 0
  %".420" = fcmp olt float %".418", %".358"
  %".421" = and i1 %".419", %".420"
  br i1 %".421", label %"rise.body", label %"rise.done"
rise.body:
  %".423" = load i64, ptr %".409"
  %".424" = sub i64 %".423", 1
  %".425" = sdiv i64 %".424", 2
  %".426" = getelementptr float, ptr %".335", i64 %".425"
  %".427" = load float, ptr %".426", align 4
  %".428" = getelementptr float, ptr %".335", i64 %".423"
  store float %".427", ptr %".428", align 4
  store i64 %".425", ptr %".409"
  br label %"rise.head"
rise.done:
  %".432" = load i64, ptr %".409"
  %".433" = getelementptr float, ptr %".335", i64 %".432"
  store float %".358", ptr %".433", align 4
  %".435" = add i64 %".398", 1
  store i64 %".435", ptr %".397"
  br label %"bit.body.1.if.endif.if.endif"
bit.body.1.if.endif.if.endif.if:
  store i64 0, ptr %".439"
  store i64 0, ptr %".441"
  br label %"sink.head"
bit.body.1.if.endif.if.endif.endif:
  %".476" = getelementptr i64, ptr %".396", i64 %".286"
  %".477" = load i64, ptr %".476", align 8
  %".478" = icmp eq i64 %".477", %".328"
  br i1 %".478", label %"bit.body.1.if.endif.if.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif"
sink.head:
  %".444" = load i64, ptr %".439"
  %".445" = mul i64 %".444", 2
  %".446" = add i64 %".445", 1
  %".447" = add i64 %".446", 1
  %".448" = icmp slt i64 %".446", %".328"
  %".449" = select  i1 %".448", i64 %".446", i64 0
  %".450" = icmp slt i64 %".447", %".328"
  %".451" = select  i1 %".450", i64 %".447", i64 %".449"
  %".452" = getelementptr float, ptr %".335", i64 %".451"
  %".453" = load float, ptr %".452", align 4
  %".454" = getelementptr float, ptr %".335", i64 %".449"
  %".455" = load float, ptr %".454", align 4
  %".456" = fcmp ogt float %".453", %".455"
  %".457" = select  i1 %".456", i64 %".451", i64 %".449"
  store i64 %".457", ptr %".441"
  %".459" = getelementptr float, ptr %".335", i64 %".457"
  %".460" = load float, ptr %".459", align 4
  %".461" = fcmp ogt float %".460", %".358"
  %".462" = and i1 %".448", %".461"
  br i1 %".462", label %"sink.body", label %"sink.done"
sink.body:
  %".464" = load i64, ptr %".441"
  %".465" = getelementptr float, ptr %".335", i64 %".464"
  %".466" = load float, ptr %".465", align 4
  %".467" = load i64, ptr %".439"
  %".468" = getelementptr float, ptr %".335", i64 %".467"
  store float %".466", ptr %".468", align 4
  store i64 %".464", ptr %".439"
  br label %"sink.head"
sink.done:
  %".472" = load i64, ptr %".439"
  %".473" = getelementptr float, ptr %".335", i64 %".472"
  store float %".358", ptr %".473", align 4
  br label %"bit.body.1.if.endif.if.endif.endif"
bit.body.1.if.endif.if.endif.endif.if:
  %".480" = getelementptr float, ptr %".335", i64 0
  %".481" = load float, ptr %".480", align 4
  %".489" = getelementptr float, ptr %".488", i64 %".286"
  %".490" = load float, ptr %".489", align 4
  %".491" = fmul float %".481", %".485"
  %".492" = fadd float %".491", %".490"
  %".493" = getelementptr float, ptr %".198", i64 %".286"
  store float %".492", ptr %".493", align 4
  br label %"bit.body.1.if.endif.if.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif:
  %".499" = getelementptr i64, ptr %".498", i64 %".286"
  %".500" = load i64, ptr %".499"
  %".501" = icmp eq i64 %".500", %".330"
  br i1 %".501", label %"bit.body.1.if.endif.if.endif.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.if:
  %".503" = getelementptr float, ptr %".198", i64 %".286"
  %".504" = load float, ptr %".503", align 4
  store i64 0, ptr %".505"
  br label %"c.head"
bit.body.1.if.endif.if.endif.endif.endif.endif:
  %".538" = load i64, ptr %".499"
  %".539" = icmp slt i64 %".538", %".330"
  br i1 %".539", label %"bit.body.1.if.endif.if.endif.endif.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif.endif.endif"
c.head:
  %"c" = phi  i64 [0, %"bit.body.1.if.endif.if.endif.endif.endif.if"], [%".524", %"c.body.endif"]
  %".508" = icmp slt i64 %"c", %".330"
  br i1 %".508", label %"c.body", label %"c.done"
c.body:
  %".510" = getelementptr float, ptr %".340", i64 %"c"
  %".511" = load float, ptr %".510", align 4
  %".512" = fcmp ule float %".511", %".504"
  br i1 %".512", label %"c.body.if", label %"c.body.endif"
c.done:
  %".526" = load i64, ptr %".505"
  store i64 %".526", ptr %".499"
  %".528" = sdiv i64 %".330", 4
  %".529" = sub i64 %".330", %".528"
  %".530" = icmp sgt i64 %".526", %".529"
  br i1 %".530", label %"c.done.if", label %"c.done.endif"
c.body.if:
  %".514" = load i64, ptr %".505"
  %".515" = getelementptr float, ptr %".340", i64 %".514"
  store float %".511", ptr %".515", align 4
  %".517" = getelementptr i64, ptr %".345", i64 %"c"
  %".518" = load i64, ptr %".517", align 8
  %".519" = getelementptr i64, ptr %".345", i64 %".514"
  store i64 %".518", ptr %".519", align 8
  %".521" = add i64 %".514", 1
  store i64 %".521", ptr %".505"
  br label %"c.body.endif"
c.body.endif:
  %".524" = add i64 %"c", 1
  br label %"c.head"
c.done.if:
  %".532" = getelementptr i64, ptr %".369", i64 %".286"
  store i64 1, ptr %".532", align 8
  %".534" = getelementptr float, ptr %".198", i64 %".286"
  store float 0xfff0000000000000, ptr %".534", align 4
  br label %"c.done.endif"
c.done.endif:
  br label %"bit.body.1.if.endif.if.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.endif.if:
  %".541" = getelementptr float, ptr %".340", i64 %".538"
  store float %".358", ptr %".541", align 4
  %".545" = add i64 %".359", %".544"
  %".546" = getelementptr i64, ptr %".345", i64 %".538"
  store i64 %".545", ptr %".546", align 8
  %".548" = add i64 %".538", 1
  store i64 %".548", ptr %".499"
  br label %"bit.body.1.if.endif.if.endif.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.endif.endif:
  br label %"bit.body.1.if.endif.endif"
}

declare <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".1")

declare i64 @"llvm.cttz.i64"(i64 %".1", i1 %".2")

!0 = !{ !"branch_weights", i32 1, i32 99 }
